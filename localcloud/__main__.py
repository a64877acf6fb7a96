"""``python -m localcloud [--template FILE]``: run the template's cloud, or an empty one, until told to stop."""

import argparse
import json
import logging
import os
import re
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import NoReturn, TextIO

from localcloud import lightbatch
from localcloud.errors import LocalCloudError, TemplateError
from localcloud.server import listen

LOG = logging.getLogger("localcloud")


def main(arguments: list[str] | None = None) -> int:
    """0 after a clean stop; 2 when the template or the port is at fault, said in one line."""
    options = _parser().parse_args(arguments)
    ready_line, sys.stdout = sys.stdout, sys.stderr  # whatever else prints, moto for one, must not reach it
    logging.basicConfig(level=logging.WARNING, format="localcloud: %(levelname)s %(message)s", stream=sys.stderr)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if options.exit_with_stdin:
        threading.Thread(target=_await_stdin, args=(stop,), daemon=True).start()
    try:
        return _serve(options, stop, ready_line)
    except (TemplateError, BusyPortError, LocalCloudError) as error:
        print(f"localcloud: {error}", file=sys.stderr)
        return 2


def _serve(options: argparse.Namespace, stop: threading.Event, ready_line: TextIO) -> int:
    listener = _listen(options.port)
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
    from localcloud.deploy.template import read_template  # slow imports come after what can be refused without them

    template = None
    if options.template is not None:
        template = read_template(options.template, region=region, parameters=dict(options.parameter))
    lightbatch.install()
    from localcloud.cloud import LocalCloud, Settings

    settings = Settings(region=region, state=options.state, workers=options.workers, containers=options.containers)
    cloud = LocalCloud(settings, listener=listener, root=template.root if template else Path.cwd())
    try:
        cloud.start()
        stack = cloud.deploy(template, options.stack) if template else None
        ready = {
            "endpointUrl": cloud.endpoint_url,
            "region": region,
            "account": settings.account,
            "stack": stack.name if stack else None,
            "outputs": {output.key: output.value for output in stack.outputs} if stack else {},
            "pid": os.getpid(),
        }
        print(json.dumps(ready), file=ready_line, flush=True)
        stop.wait()
    finally:
        cloud.stop()
    return 0


def _listen(port: int) -> socket.socket:
    try:
        return listen(port)
    except (OSError, OverflowError) as error:
        raise BusyPortError(port, error) from error


class BusyPortError(Exception):
    """The port cannot be had."""

    def __init__(self, port: int, error: Exception) -> None:
        why = getattr(error, "strerror", None) or error
        super().__init__(f"cannot listen on 127.0.0.1:{port}: {why}; choose another --port, 0 takes any")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m localcloud", description=__doc__)
    parser.add_argument(
        "--template",
        type=Path,
        help="the SAM or CloudFormation template to run (default: nothing, until something is deployed; "
        "containers and layers are then found in the current directory)",
    )
    parser.add_argument("--port", type=int, default=4566, help="on 127.0.0.1; 0 takes any free one (default 4566)")
    parser.add_argument(
        "--state", type=Path, help="keep objects and shared files here (default: in a temporary directory)"
    )
    parser.add_argument("--workers", type=int, help="vCPUs that jobs may use (default: this machine's)")
    parser.add_argument("--stack", type=_stack, default="stepbatch", help="name of the stack (default stepbatch)")
    parser.add_argument(
        "--parameter", action="append", default=[], type=_pair, metavar="NAME=VALUE", help="a parameter of the template"
    )
    parser.add_argument("--containers", action="store_true", help="run jobs in containers, by Docker or Podman")
    parser.add_argument("--exit-with-stdin", action="store_true", help="stop when standard input ends")
    return parser


def _stack(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]{0,127}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a letter followed by letters, digits and hyphens")
    return text


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def _await_stdin(stop: threading.Event) -> None:
    while sys.stdin.buffer.read(4096):
        pass
    stop.set()


def _run() -> NoReturn:
    code = main()
    sys.stderr.flush()
    os._exit(code)  # everything is stopped; taking moto's modules apart would take most of a second


if __name__ == "__main__":
    _run()

"""``stepbatch up``: the local cloud in the foreground."""

import time
from pathlib import Path

from rich.console import Console

from stepbatch import envfile
from stepbatch.localcloud_process import READY_SECONDS, TEMPLATE, Ready, local_cloud


def up(*, port: int, state: Path | None, workers: int | None, containers: bool, folder: Path, to: Console) -> int:
    """Runs the local cloud until it is interrupted or ends by itself; the exit status.

    ``folder/.stepbatch/env`` is there exactly while it answers. Raises UsageError if another one has it.
    """
    with (
        envfile.claimed(folder),
        local_cloud(port=port, state=state, workers=workers, containers=containers) as cloud,
    ):
        try:
            ready = cloud.ready(time.monotonic() + READY_SECONDS)
            text = envfile.rendered(envfile.variables(ready))
            path = envfile.write(folder, text)
            try:
                greet(ready, path.relative_to(folder), examples_from(folder), state, to)
                cloud.wait()
            finally:
                envfile.withdraw(path, text)
        except KeyboardInterrupt:
            to.print("ending the local cloud")
            return 0
        to.print(cloud.ended() or "the local cloud ended by itself", soft_wrap=True)
    return 1


def examples_from(folder: Path) -> Path:
    """How the examples of the clone are named in a folder."""
    root = TEMPLATE.parent
    return (Path() if folder.resolve() == root else root) / "examples" / "montecarlo"


def greet(ready: Ready, path: Path, examples: Path, state: Path | None, to: Console) -> None:
    """What to do next."""
    kept = f"objects are kept in {state}" if state else "nothing is kept when it ends; --state DIR keeps objects"
    to.print(
        f"stack {ready.stack} runs at {ready.endpoint_url} ({kept})\n"
        "In another terminal:\n"
        f"  source {path}\n"
        f"  stepbatch run montecarlo --portfolio {examples}/sample_book.json "
        f"--market {examples}/sample_market.json --out out/montecarlo\n"
        '  aws s3 ls "s3://$BucketName"        # or any other AWS tool\n'
        "Ctrl-C ends it.",
        soft_wrap=True,
    )

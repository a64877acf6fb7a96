"""The console script: the commands, and what becomes of errors."""

import errno
import os
import signal
import sys
from contextlib import suppress
from types import FrameType
from typing import NoReturn

import typer

from fanout.errors import FanoutError
from stepbatch import streams
from stepbatch.commands import local, look, run
from stepbatch.errors import OutputClosed, OutputError, StepbatchError

FULL = "free some space and give the same command again: it does only what is missing"

app = typer.Typer(
    help="Array pipelines on AWS Step Functions and AWS Batch, on AWS or on this machine.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(run.app, name="run")
for command in (
    local.up,
    look.watch,
    look.attempts,
    look.logs,
    look.retry,
    local.verify,
    local.invoke,
    local.price,
    local.schema,
):
    app.command()(command)


def main() -> NoReturn:
    """Runs the command that ``sys.argv`` names; ends with its exit status."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    streams.guard()
    try:
        status = _status()
        streams.flush()
    except OutputClosed as error:
        streams.abandon()
        sys.exit(error.exit_status)
    except OutputError as error:
        with suppress(OSError):  # it may be stderr itself
            os.write(2, f"stepbatch: {error}\n".encode())
        streams.abandon()
        sys.exit(error.exit_status)
    sys.exit(status)


def _status() -> int:
    """The exit status of the command, once what became of it is told."""
    try:
        app()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    except (OutputClosed, OutputError):
        raise
    except StepbatchError as error:
        _say(str(error))
        return error.exit_status
    except FanoutError as error:
        _say(f"{type(error).__name__}: {error}")
        return error.exit_code
    except _aws_errors() as error:
        from stepbatch.advice import advice

        _say(advice(error))
        return 1
    except OSError as error:
        if error.strerror is None:
            raise
        hint = FULL if error.errno == errno.ENOSPC else None
        _say(": ".join(str(part) for part in (error.filename, error.strerror, hint) if part))
        return 1
    return 0


def _say(text: str) -> None:
    typer.echo(f"stepbatch: {text}", err=True)


def _aws_errors() -> tuple[type[Exception], ...]:
    """What boto3 raises; looked up only when something was raised."""
    from botocore.exceptions import BotoCoreError, ClientError

    return BotoCoreError, ClientError


def _leave(number: int, _frame: FrameType | None) -> NoReturn:
    """Ends as by an exception, so that local clouds and temporary files go too."""
    raise SystemExit(128 + number)

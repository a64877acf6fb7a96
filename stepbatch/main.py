"""The console script: the commands, and what becomes of errors."""

import signal
import sys
from types import FrameType
from typing import NoReturn

import typer

from fanout.errors import FanoutError
from stepbatch.commands import local, look, run
from stepbatch.errors import StepbatchError

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
    try:
        app()
    except StepbatchError as error:
        _say(str(error))
        sys.exit(error.exit_status)
    except FanoutError as error:
        _say(f"{type(error).__name__}: {error}")
        sys.exit(error.exit_code)
    except _aws_errors() as error:
        from stepbatch.advice import advice

        _say(advice(error))
        sys.exit(1)
    sys.exit(0)


def _say(text: str) -> None:
    typer.echo(f"stepbatch: {text}", err=True)


def _aws_errors() -> tuple[type[Exception], ...]:
    """What boto3 raises; looked up only when something was raised."""
    from botocore.exceptions import BotoCoreError, ClientError

    return BotoCoreError, ClientError


def _leave(number: int, _frame: FrameType | None) -> NoReturn:
    """Ends as by an exception, so that local clouds and temporary files go too."""
    raise SystemExit(128 + number)

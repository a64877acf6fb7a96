"""Commands about executions and jobs that a cloud knows."""

from typing import Annotated

import typer

from stepbatch.commands.options import Aws, Stack

Execution = Annotated[str, typer.Argument(metavar="EXECUTION", help="Its ARN, or its name.")]


def watch(execution: Execution, aws: Aws = False, stack: Stack = None) -> None:
    """Follow an execution to its end and print what it answers."""
    from stepbatch.connect import required_cloud
    from stepbatch.console import console
    from stepbatch.executions import find
    from stepbatch.look import followed

    cloud = required_cloud(aws=aws, stack=stack)
    arn = find(cloud, execution)
    raise typer.Exit(followed(cloud, arn, stdout=console(), stderr=console(stderr=True)))


def retry(execution: Execution, aws: Aws = False, stack: Stack = None) -> None:
    """Start an execution again with the same input: only what is missing is done."""
    from stepbatch.connect import required_cloud
    from stepbatch.console import console
    from stepbatch.executions import find
    from stepbatch.look import followed, started_again

    cloud, stderr = required_cloud(aws=aws, stack=stack), console(stderr=True)
    arn = started_again(cloud, find(cloud, execution))
    stderr.print(f"started {arn}", soft_wrap=True)
    raise typer.Exit(followed(cloud, arn, stdout=console(), stderr=stderr))


def attempts(
    job: Annotated[str, typer.Argument(metavar="JOB", help="The id of a job, an array, or a child (ID:INDEX).")],
    every: Annotated[bool, typer.Option("--all", help="Also children that succeeded at once.")] = False,
    aws: Aws = False,
    stack: Stack = None,
) -> None:
    """Show every attempt of a job: exit code, reason, duration, log stream."""
    from stepbatch.connect import required_cloud
    from stepbatch.console import console
    from stepbatch.look import show_attempts

    show_attempts(required_cloud(aws=aws, stack=stack), job, every=every, to=console())


def logs(
    job: Annotated[str, typer.Argument(metavar="JOB[:INDEX]", help="The id of a job or of an array's child.")],
    attempt: Annotated[
        int | None, typer.Option("--attempt", metavar="N", min=1, help="From 1. [default: the latest]")
    ] = None,
    aws: Aws = False,
    stack: Stack = None,
) -> None:
    """Print the log of a job."""
    from stepbatch.connect import required_cloud
    from stepbatch.look import job_log

    for line in job_log(required_cloud(aws=aws, stack=stack), job, attempt):
        typer.echo(line)

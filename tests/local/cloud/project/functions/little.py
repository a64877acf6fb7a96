"""Functions that behave and misbehave, for the local cloud's tests."""

import importlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import boto3

SHARED = importlib.import_module("shared").SHARED  # the layer's: no type checker finds it

CALLS = 0


class PortfolioError(Exception):
    """An error that a state machine catches by name."""


def echo(event: Any, context: Any) -> Any:
    """The event, and what a function can see of itself."""
    global CALLS  # counts the warm reuse of this process
    CALLS += 1
    print(f"echo {CALLS}")
    see = event.pop("see", None) if isinstance(event, dict) else None
    if see == "environment":
        return dict(os.environ) | {"shared": SHARED}
    if see == "context":
        return {
            "arn": context.invoked_function_arn,
            "version": context.function_version,
            "name": context.function_name,
            "remaining": context.get_remaining_time_in_millis(),
            "request": context.aws_request_id,
            "pid": os.getpid(),
            "calls": CALLS,
        }
    if see == "identity":
        return boto3.client("sts").get_caller_identity()["Arn"]
    return event


def mischief(event: dict[str, Any], context: Any) -> Any:
    """Fail in the way that ``event["how"]`` asks for."""
    how = event["how"]
    print(f"mischief {how}", flush=True)
    if how == "raise":
        raise PortfolioError("positions[17].barrier: -0.2 is not in (0, 10]")
    if how == "raise at length":
        raise PortfolioError("x" * 40_000)
    if how == "sleep":
        time.sleep(30)
    if how == "exit":
        sys.exit(3)
    if how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "large":
        return "x" * (7 << 20)
    if how == "child":
        return subprocess.Popen(["sleep", "600"]).pid
    return json.loads("{")


def shared_files(event: Any, context: Any) -> dict[str, str]:
    """Every file on the shared file system: its name and content."""
    directory = Path(os.environ["SHARED"])
    return {path.name: path.read_text() for path in directory.iterdir()} if directory.is_dir() else {}


def slow(event: dict[str, Any], context: Any) -> int:
    """Wait as long as asked: some seconds, or until the folder that this call signs into holds a file ``open``."""
    time.sleep(event.get("seconds", 0))
    if folder := event.get("folder"):
        Path(folder, str(os.getpid())).touch()
        while not Path(folder, "open").exists():
            time.sleep(0.02)
    return os.getpid()

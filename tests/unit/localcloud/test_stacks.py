"""Operations on stacks that take longer than whoever asked for them waits."""

import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from localcloud.deploy.stack import Stack, Step
from localcloud.deploy.template import Template
from localcloud.errors import ApiError
from localcloud.stackrecords import ChangeSet, Record
from localcloud.stacks import Stacks

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class SlowEngine:
    """Builds when it is let, and fails if it is told to."""

    def __init__(self) -> None:
        self.let = threading.Event()
        self.accident: Exception | None = None

    def stack_arn(self, name: str) -> str:
        return f"arn:aws:cloudformation:us-east-1:1:stack/{name}/0"

    def resources(self, template: Template, name: str) -> Mapping[str, Any]:
        return template.resources

    def build(self, template: Template, name: str, *, before: Stack | None, note: Callable[[Step], None]) -> Stack:
        assert self.let.wait(60)
        if self.accident is not None:
            raise self.accident
        return Stack(name=name, arn=self.stack_arn(name), template=template, created=NOW, resources=(), outputs=())


def ended(record: Record) -> str:
    deadline = time.monotonic() + 60
    while record.in_progress:
        assert time.monotonic() < deadline
        threading.Event().wait(0.01)
    return record.status


def stack() -> Template:
    return Template(root=Path(), text="{}", resources={}, parameters={})


def test_what_takes_longer_than_a_caller_waits_goes_on_meanwhile() -> None:
    engine = SlowEngine()
    stacks = Stacks(engine, lambda: NOW, patience=0.0)
    record = stacks.create("slow", stack(), {}, ())
    assert record.status == "CREATE_IN_PROGRESS"
    with pytest.raises(ApiError, match="CREATE_IN_PROGRESS state and can not be updated"):
        stacks.delete(record)
    engine.let.set()
    assert ended(record) == "CREATE_COMPLETE"
    stacks.delete(record)
    assert ended(record) == "DELETE_COMPLETE"


def test_an_accident_while_nobody_waits_is_told_by_the_stack() -> None:
    engine = SlowEngine()
    engine.accident = RuntimeError("out of luck")
    record = Stacks(engine, lambda: NOW, patience=0.0).create("slow", stack(), {}, ())
    engine.let.set()
    assert ended(record) == "CREATE_FAILED"
    assert record.reason == "out of luck"


def test_a_change_set_that_was_executed_is_named_with_its_own_status() -> None:
    engine = SlowEngine()
    engine.let.set()
    stacks = Stacks(engine, lambda: NOW)
    changes = ChangeSet(
        name="c", arn="arn:c", kind="CREATE", template=stack(), tags={}, capabilities=(), description="", created=NOW
    )
    record = stacks.propose("quick", changes)
    stacks.execute(record, changes)
    assert record.status == "CREATE_COMPLETE"
    with pytest.raises(ApiError, match=r"current status of \[EXECUTE_COMPLETE\]"):
        stacks.execute(record, changes)

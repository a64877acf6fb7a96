"""What happens to stacks: created, changed, rolled back, deleted.

An operation is over when its call is answered, unless it takes longer than a client waits: then it goes on meanwhile.
"""

import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Protocol

from localcloud.deploy.deployer import StoppedError
from localcloud.deploy.dismantling import dismantle_stack
from localcloud.deploy.stack import Stack, Step
from localcloud.deploy.template import Template
from localcloud.errors import ApiError, TemplateError
from localcloud.stackrecords import Change, ChangeSet, Record, difference

_CHANGEABLE = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"})
PATIENCE = 20.0  # seconds for a call; AWS's clients wait for sixty, and then send it again
NO_CHANGES = "The submitted information didn't contain changes. Submit different information to create a change set."


class Engine(Protocol):
    """Makes stacks real."""

    def stack_arn(self, name: str) -> str: ...

    def resources(self, template: Template, name: str) -> Mapping[str, Any]:
        """Those whose conditions hold."""
        ...

    def build(self, template: Template, name: str, *, before: Stack | None, note: Callable[[Step], None]) -> Stack: ...


class Stacks:
    """Every stack that there is, and those that are gone."""

    def __init__(self, engine: Engine, now: Callable[[], datetime], *, patience: float = PATIENCE) -> None:
        self._engine = engine
        self._now = now
        self._patience = patience
        self._records: dict[str, Record] = {}
        self._gone: list[Record] = []
        self._lock = threading.Lock()

    def add(self, stack: Stack) -> None:
        """A stack that was deployed without any call."""
        record = Record(name=stack.name, arn=stack.arn, created=stack.created, stack=stack)
        record.become("CREATE_COMPLETE", self._now())
        for resource in stack.resources:
            record.tell(_finished(stack, resource), resource.finished)
        record.events.sort(key=lambda event: event.at)
        with self._lock:
            self._records[stack.name] = record

    def all(self, *, gone: bool = False) -> list[Record]:
        """With those that are nested in them."""
        with self._lock:
            found = [*self._records.values(), *(self._gone if gone else ())]
        return [view for record in found for view in record.views()]

    def find(self, name: str) -> Record:
        """By name or ARN; one that was deleted by its ARN only."""
        for record in self.all():
            if name in (record.name, record.arn):
                return record
        for record in reversed(self._gone):
            if name == record.arn:
                return record
        raise ApiError(400, "ValidationError", f"Stack with id {name} does not exist")

    def known(self, name: str) -> Record | None:
        with self._lock:
            return next((each for each in self._records.values() if name in (each.name, each.arn)), None)

    def propose(self, name: str, change_set: ChangeSet) -> Record:
        """Keep a change set, for a new stack or for one that is there, and say what it would do."""
        record = self.known(name)
        if change_set.kind == "CREATE":
            if record is not None and record.status != "REVIEW_IN_PROGRESS":
                problem = f"Stack [{name}] already exists and cannot be created again with the changeSet"
                raise ApiError(400, "ValidationError", f"{problem} [{change_set.name}]")
            if record is None:
                record = self._begin(name)
                record.become("REVIEW_IN_PROGRESS", self._now())
        elif record is None or record.stack is None:
            raise ApiError(400, "ValidationError", f"Stack [{name}] does not exist")
        elif record.status not in _CHANGEABLE:
            raise _unchangeable(record)
        if change_set.name in record.change_sets:
            raise ApiError(400, "AlreadyExistsException", f"ChangeSet {change_set.name} already exists for {name}")
        change_set.changes = self._changes(record, change_set.template)
        if (
            record.stack is not None
            and not change_set.changes
            and _same_rest(record.stack.template, change_set.template)
        ):
            change_set.status, change_set.execution, change_set.reason = "FAILED", "UNAVAILABLE", NO_CHANGES
        record.change_sets[change_set.name] = change_set
        return record

    def execute(self, record: Record, change_set: ChangeSet) -> None:
        if change_set.execution != "AVAILABLE":
            status = change_set.status if change_set.status == "FAILED" else change_set.execution
            problem = f"ChangeSet [{change_set.arn}] cannot be executed in its current status of [{status}]"
            raise ApiError(400, "InvalidChangeSetStatus", problem)
        change_set.execution = "EXECUTE_COMPLETE"
        self.deploy(record, change_set.template, change_set.tags, change_set.capabilities)
        record.change_sets.clear()

    def create(self, name: str, template: Template, tags: Mapping[str, str], capabilities: tuple[str, ...]) -> Record:
        if self.known(name) is not None:
            raise ApiError(400, "AlreadyExistsException", f"Stack [{name}] already exists")
        record = self._begin(name)
        self.deploy(record, template, tags, capabilities)
        return record

    def update(
        self, record: Record, template: Template, tags: Mapping[str, str], capabilities: tuple[str, ...]
    ) -> None:
        assert record.stack is not None
        if not self._changes(record, template) and _same_rest(record.stack.template, template):
            raise ApiError(400, "ValidationError", "No updates are to be performed.")
        self.deploy(record, template, tags, capabilities)

    def deploy(
        self, record: Record, template: Template, tags: Mapping[str, str], capabilities: tuple[str, ...]
    ) -> None:
        """Bring a stack to a template; if that fails, back to where it was."""
        if record.stack is not None and record.status not in _CHANGEABLE:
            raise _unchangeable(record)
        self._claim(record, "CREATE_IN_PROGRESS" if record.stack is None else "UPDATE_IN_PROGRESS")
        record.tags, record.capabilities = dict(tags), capabilities
        self._meanwhile(record, lambda: self._build(record, template))

    def _build(self, record: Record, template: Template) -> None:
        verb, before = ("CREATE", None) if record.stack is None else ("UPDATE", record.stack)
        try:
            record.stack = self._engine.build(template, record.name, before=before, note=self._noting(record))
        except StoppedError as error:
            self._back(record, error)
            return
        if verb == "UPDATE":
            record.updated = self._now()
        record.become(f"{verb}_COMPLETE", self._now())

    def delete(self, record: Record) -> None:
        self._claim(record, "DELETE_IN_PROGRESS")
        self._meanwhile(record, lambda: self._dismantle(record))

    def _dismantle(self, record: Record) -> None:
        try:
            if record.stack is not None:
                dismantle_stack(record.stack, self._noting(record))
        except TemplateError as error:
            record.become("DELETE_FAILED", self._now(), str(error))
            return
        record.become("DELETE_COMPLETE", self._now())
        record.deleted = self._now()
        with self._lock:
            del self._records[record.name]
            self._gone.append(record)

    def _meanwhile(self, record: Record, work: Callable[[], None]) -> None:
        """Do it, and wait for it as long as a caller's patience lasts."""
        accidents: list[Exception] = []

        def run() -> None:
            try:
                work()
            except Exception as error:  # noqa: BLE001 nobody may be waiting for it any more: the stack must tell
                record.become(record.status.replace("IN_PROGRESS", "FAILED"), self._now(), str(error))
                accidents.append(error)

        thread = threading.Thread(target=run, name=f"stack {record.name}", daemon=True)
        thread.start()
        thread.join(self._patience)
        if accidents:
            raise accidents[0]

    def _begin(self, name: str) -> Record:
        record = Record(name=name, arn=self._engine.stack_arn(name), created=self._now())
        with self._lock:
            self._records[name] = record
        return record

    def _claim(self, record: Record, status: str) -> None:
        with self._lock:
            if record.in_progress or record.deleted is not None:
                raise _unchangeable(record)
            record.become(status, self._now(), "User Initiated")

    def _back(self, record: Record, error: StoppedError) -> None:
        """Undo what a deployment that failed has done."""
        before = record.stack
        prefix = "" if before is None else "UPDATE_"
        record.become(f"{prefix}ROLLBACK_IN_PROGRESS", self._now(), str(error))
        try:
            if before is None:
                record.stack = replace(error.standing, resources=())
                dismantle_stack(error.standing, self._noting(record))
            else:
                note = self._noting(record)
                record.stack = self._engine.build(before.template, record.name, before=error.standing, note=note)
        except TemplateError as second:
            record.stack = getattr(second, "standing", error.standing)
            record.become(f"{prefix}ROLLBACK_FAILED", self._now(), str(second))
            return
        record.become(f"{prefix}ROLLBACK_COMPLETE", self._now(), str(error))

    def _noting(self, record: Record) -> Callable[[Step], None]:
        return lambda step: record.tell(step, self._now())

    def _changes(self, record: Record, template: Template) -> tuple[Change, ...]:
        old = record.stack.template if record.stack is not None else None
        before = self._engine.resources(old, record.name) if old is not None else {}
        values = old.parameters if old is not None else {}
        altered = frozenset(key for key, value in template.parameters.items() if values.get(key) != value)
        return difference(
            before, self._engine.resources(template, record.name), altered if old is not None else frozenset()
        )


def _unchangeable(record: Record) -> ApiError:
    problem = f"Stack:{record.arn} is in {record.status} state and can not be updated."
    return ApiError(400, "ValidationError", problem)


def _same_rest(old: Template, new: Template) -> bool:
    """Whether all but the resources is the same."""
    ours = (old.parameters, old.mappings, old.conditions, old.outputs, old.description)
    return ours == (new.parameters, new.mappings, new.conditions, new.outputs, new.description)


def _finished(stack: Stack, resource: Any) -> Step:
    return Step(
        stack_arn=stack.arn,
        stack_name=stack.name,
        logical_id=resource.logical_id,
        type=resource.type,
        physical_id=resource.created.physical_id,
        status="CREATE_COMPLETE",
    )


def change_set_arn(record_arn: str, name: str) -> str:
    head = record_arn.partition(":stack/")[0]
    return f"{head}:changeSet/{name}/{uuid.uuid4()}"

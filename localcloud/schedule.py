"""Fires the schedules that moto stores: EventBridge Scheduler's, and EventBridge rules with a schedule expression."""

import json
import logging
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from localcloud import cron

LOG = logging.getLogger(__name__)
POLL_SECONDS = 1.0  # schedules come and go through moto's API; their times are whole minutes
_SDK_START = "arn:aws:scheduler:::aws-sdk:sfn:startExecution"
_SDK_INVOKE = "arn:aws:scheduler:::aws-sdk:lambda:invoke"


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A schedule as it stands now; another expression under the same ARN is another schedule."""

    arn: str
    expression: str
    timezone: str
    target: str
    role: str | None
    payload: str | None  # the target's Input
    start: datetime | None = None
    end: datetime | None = None
    created: datetime | None = field(default=None, compare=False)  # or changed; None if moto does not know


class RoleClients(Protocol):
    """Clients that act in the role of a schedule."""

    def client(self, service: str, role_arn: str | None = None, *, session_name: str = "localcloud") -> Any: ...


class Schedules:
    """A thread that looks once a second which schedules are due. ``read`` gives those that are enabled."""

    def __init__(
        self, read: Callable[[], Iterator[Schedule]], clients: RoleClients, now: Callable[[], datetime]
    ) -> None:
        self._read = read
        self._clients = clients
        self._now = now
        self._due: dict[Schedule, datetime | None] = {}
        self._stopped = threading.Event()

    def start(self) -> None:
        threading.Thread(target=self._run, name="schedules", daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()

    def _run(self) -> None:
        failing = False
        while not self._stopped.wait(POLL_SECONDS):
            try:
                self.tick()
                failing = False
            except Exception:
                if not failing:  # said once, not every second
                    LOG.exception("cannot read the schedules, trying again")
                failing = True

    def tick(self) -> None:
        """Fire what is due, each schedule at most once."""
        now = self._now()
        current = list(self._read())
        self._due = {schedule: self._due[schedule] for schedule in current if schedule in self._due}
        for schedule in current:
            try:
                self._advance(schedule, now)
            except Exception as error:  # noqa: BLE001 one schedule must not stop the others
                LOG.warning("schedule %s: %s", schedule.arn, error)

    def _advance(self, schedule: Schedule, now: datetime) -> None:
        if schedule not in self._due:
            created = schedule.created or now  # what came due since then was not seen yet
            begun = max(schedule.start or created, created)
            self._due[schedule] = cron.parse(schedule.expression, schedule.timezone).next_after(begun, begun)
        due = self._due[schedule]
        if due is None or due > now or (schedule.end is not None and due > schedule.end):
            return
        self._due[schedule] = cron.parse(schedule.expression, schedule.timezone).next_after(now, due)
        fire(schedule, due, self._clients)


def fire(schedule: Schedule, due: datetime, clients: RoleClients) -> None:
    """Call the target with its input, the placeholders of EventBridge Scheduler filled in."""
    payload = fill(schedule.payload or "{}", schedule.arn, due)
    if schedule.target == _SDK_START or ":states:" in schedule.target:
        client = clients.client("stepfunctions", schedule.role, session_name="schedule")
        given = json.loads(payload) if schedule.target == _SDK_START else {"input": payload}
        parameters = {name[0].lower() + name[1:]: value for name, value in given.items()}
        client.start_execution(**{"stateMachineArn": schedule.target, **parameters})
    elif schedule.target == _SDK_INVOKE or ":lambda:" in schedule.target:
        client = clients.client("lambda", schedule.role, session_name="schedule")
        given = (
            json.loads(payload)
            if schedule.target == _SDK_INVOKE
            else {"FunctionName": schedule.target, "Payload": payload}
        )
        client.invoke(**{"InvocationType": "Event", **given})
    else:
        LOG.warning(
            "schedule %s: localcloud starts state machines and functions, not %s", schedule.arn, schedule.target
        )


def fill(text: str, arn: str, due: datetime) -> str:
    """Replace ``<aws.scheduler.…>`` in a target's input."""
    values = {
        "scheduled-time": f"{due.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "schedule-arn": arn,
        "execution-id": str(uuid.uuid4()),
        "attempt-number": "1",
    }
    for name, value in values.items():
        text = text.replace(f"<aws.scheduler.{name}>", value)
    return text

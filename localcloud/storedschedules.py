"""Schedules as moto holds them."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from moto.events.models import events_backends
from moto.scheduler.models import scheduler_backends

from localcloud.schedule import Schedule


def stored(account: str, region: str) -> Iterator[Schedule]:
    """The enabled schedules and scheduled rules that moto holds."""
    for group in list(scheduler_backends[account][region].schedule_groups.values()):
        for held in list(group.schedules.values()):
            if held.state == "ENABLED":
                yield _of_scheduler(held)
    for bus in list(events_backends[account][region].event_buses.values()):
        for rule in list(bus.rules.values()):
            if rule.scheduled_expression and rule.state == "ENABLED":
                for target in list(rule.targets):
                    yield Schedule(
                        arn=rule.arn,
                        expression=rule.scheduled_expression,
                        timezone="UTC",
                        target=target["Arn"],
                        role=target.get("RoleArn"),
                        payload=target.get("Input"),
                    )


def _of_scheduler(held: Any) -> Schedule:
    return Schedule(
        arn=held.arn,
        expression=held.schedule_expression,
        timezone=held.schedule_expression_timezone,
        target=held.target["Arn"],
        role=held.target.get("RoleArn"),
        payload=held.target.get("Input"),
        start=_moment(held.start_date),
        end=_moment(held.end_date),
        created=_moment(held.last_modified_date),
    )


def _moment(seconds: Any) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(float(seconds), tz=UTC)

"""Schedules: when they fire, and what with."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from localcloud.cron import parse
from localcloud.schedule import Schedule, Schedules

BEGUN = datetime(2026, 1, 1, tzinfo=UTC)


def times(expression: str, after: str, count: int = 3, timezone: str = "UTC") -> list[str]:
    found: list[str] = []
    moment: datetime | None = datetime.fromisoformat(after).replace(tzinfo=UTC)
    while moment is not None and len(found) < count:
        moment = parse(expression, timezone).next_after(moment, BEGUN)
        if moment is not None:
            found.append(f"{moment:%Y-%m-%d %H:%M}")
    return found


@pytest.mark.parametrize(
    ("expression", "after", "expected"),
    [
        ("rate(5 minutes)", "2026-01-01T00:07:00", ["2026-01-01 00:10", "2026-01-01 00:15"]),
        ("rate(1 hour)", "2026-01-01T00:00:00", ["2026-01-01 01:00", "2026-01-01 02:00"]),
        ("rate(1 day)", "2025-12-01T00:00:00", ["2026-01-02 00:00", "2026-01-03 00:00"]),
        ("at(2026-03-01T12:30:00)", "2026-01-01T00:00:00", ["2026-03-01 12:30"]),
        ("at(2026-03-01T12:30:00)", "2026-03-01T12:30:00", []),
        ("cron(0 2 * * ? *)", "2026-01-31T02:00:00", ["2026-02-01 02:00", "2026-02-02 02:00"]),
        ("cron(15 10 ? * MON-FRI *)", "2026-01-02T10:15:00", ["2026-01-05 10:15", "2026-01-06 10:15"]),
        ("cron(0/20 9,17 * * ? 2026)", "2026-12-31T17:20:00", ["2026-12-31 17:40"]),
        ("cron(0 8 1 * ? *)", "2026-01-01T08:00:00", ["2026-02-01 08:00", "2026-03-01 08:00"]),
        ("cron(0 0 L * ? *)", "2026-01-31T00:00:00", ["2026-02-28 00:00", "2026-03-31 00:00"]),
        ("cron(0 0 ? * 6L *)", "2026-01-01T00:00:00", ["2026-01-30 00:00", "2026-02-27 00:00"]),
        ("cron(0 0 ? * 2#1 *)", "2026-01-05T00:00:00", ["2026-02-02 00:00", "2026-03-02 00:00"]),
        ("cron(0 0 1W * ? *)", "2026-07-01T00:00:00", ["2026-08-03 00:00", "2026-09-01 00:00"]),
        ("cron(0 0 31 FEB-APR ? *)", "2026-01-01T00:00:00", ["2026-03-31 00:00", "2027-03-31 00:00"]),
        ("cron(0 0 29 2 ? *)", "2026-01-01T00:00:00", ["2028-02-29 00:00", "2032-02-29 00:00"]),
    ],
)
def test_a_schedule_fires_at_its_times(expression: str, after: str, expected: list[str]) -> None:
    assert times(expression, after, count=2)[: len(expected) or 2] == expected


def test_a_time_zone_moves_with_its_clocks_and_skips_the_hour_they_skip() -> None:
    nightly = times("cron(0 2 * * ? *)", "2026-03-28T00:00:00", timezone="Europe/Berlin")
    assert nightly == ["2026-03-28 01:00", "2026-03-30 00:00", "2026-03-31 00:00"]


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("every day", "neither rate"),
        ("rate(0 minutes)", "not like rate"),
        ("rate(5 weeks)", "not like rate"),
        ("cron(0 2 * * *)", "5 fields; it takes 6"),
        ("cron(0 2 * * * *)", "must be ?"),
        ("cron(60 2 * * ? *)", "not within 0 to 59"),
        ("cron(x 2 * * ? *)", "'X', which is no number"),
    ],
)
def test_an_expression_that_aws_refuses_is_refused(expression: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        parse(expression)


class FakeClients:
    def __init__(self) -> None:
        self.calls: list[tuple[str, str | None, dict[str, Any]]] = []

    def client(self, service: str, role_arn: str | None = None, *, session_name: str = "") -> Any:
        calls = self.calls

        class Client:
            def start_execution(self, **parameters: Any) -> None:
                calls.append((service, role_arn, parameters))

            def invoke(self, **parameters: Any) -> None:
                calls.append((service, role_arn, parameters))

        return Client()


def schedule(**more: Any) -> Schedule:
    given = {
        "arn": "arn:schedule",
        "expression": "rate(1 minute)",
        "timezone": "UTC",
        "target": "arn:aws:states:r:1:stateMachine:m",
        "role": "arn:role",
        "payload": '{"scheduledTime":"<aws.scheduler.scheduled-time>"}',
    }
    return Schedule(**(given | more))


def test_a_due_schedule_starts_its_state_machine_once_with_the_time_it_was_due() -> None:
    clock = [BEGUN]
    held = [schedule()]
    clients = FakeClients()
    schedules = Schedules(lambda: iter(held), clients, lambda: clock[0])
    for seconds in (0, 59, 61, 62, 121, 600):
        clock[0] = BEGUN + timedelta(seconds=seconds)
        schedules.tick()
    machine = {"stateMachineArn": "arn:aws:states:r:1:stateMachine:m"}
    assert [(role, parameters) for _, role, parameters in clients.calls] == [
        ("arn:role", machine | {"input": '{"scheduledTime":"2026-01-01T00:01:00Z"}'}),
        ("arn:role", machine | {"input": '{"scheduledTime":"2026-01-01T00:02:00Z"}'}),
        ("arn:role", machine | {"input": '{"scheduledTime":"2026-01-01T00:03:00Z"}'}),
    ]


@pytest.mark.parametrize(
    ("begun", "expected"),
    [  # clocks in Berlin go from 02:00 to 03:00, and from 03:00 back to 02:00
        (datetime(2026, 3, 27, 22, tzinfo=UTC), ["2026-03-28T01:30:00Z", "2026-03-30T00:30:00Z"]),
        (
            datetime(2026, 10, 23, 22, tzinfo=UTC),
            ["2026-10-24T00:30:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"],
        ),
    ],
)
def test_a_nightly_run_starts_once_a_night_however_the_clocks_change(begun: datetime, expected: list[str]) -> None:
    clock, clients = [begun], FakeClients()
    held = schedule(expression="cron(30 2 * * ? *)", timezone="Europe/Berlin")
    schedules = Schedules(lambda: iter([held]), clients, lambda: clock[0])
    for minutes in range(0, 3 * 24 * 60, 7):
        clock[0] = begun + timedelta(minutes=minutes)
        schedules.tick()
    fired = [parameters["input"] for _, _, parameters in clients.calls]
    assert fired == [f'{{"scheduledTime":"{moment}"}}' for moment in expected]


@pytest.mark.parametrize(
    ("more", "called"),
    [
        (
            {"target": "arn:aws:lambda:r:1:function:f", "payload": "{}"},
            {"InvocationType": "Event", "FunctionName": "arn:aws:lambda:r:1:function:f", "Payload": "{}"},
        ),
        (
            {
                "target": "arn:aws:scheduler:::aws-sdk:sfn:startExecution",
                "payload": '{"StateMachineArn": "m", "Input": "{}"}',
            },
            {"stateMachineArn": "m", "input": "{}"},
        ),
    ],
)
def test_functions_and_the_sdk_s_targets_are_called_too(more: dict[str, Any], called: dict[str, Any]) -> None:
    clients = FakeClients()
    clock = [BEGUN]
    schedules = Schedules(lambda: iter([schedule(**more)]), clients, lambda: clock[0])
    schedules.tick()
    clock[0] += timedelta(minutes=1)
    schedules.tick()
    assert [parameters for _, _, parameters in clients.calls] == [called]


def test_a_schedule_that_is_gone_or_broken_stops_no_other(caplog: pytest.LogCaptureFixture) -> None:
    clock = [BEGUN]
    held = [schedule(arn="arn:broken", expression="rate(x)"), schedule(), schedule(arn="arn:gone")]
    clients = FakeClients()

    def read() -> Iterator[Schedule]:
        yield from held

    schedules = Schedules(read, clients, lambda: clock[0])
    schedules.tick()
    del held[2]
    clock[0] += timedelta(minutes=1)
    schedules.tick()
    assert len(clients.calls) == 1
    assert "schedule arn:broken: rate(x) is not like rate(5 minutes)" in caplog.text


def test_what_came_due_between_creation_and_the_first_look_fires() -> None:
    clients = FakeClients()
    created = BEGUN + timedelta(milliseconds=200)
    held = schedule(expression="at(2026-01-01T00:00:01)", created=created)
    schedules = Schedules(lambda: iter([held]), clients, lambda: BEGUN + timedelta(seconds=1.5))
    schedules.tick()
    schedules.tick()
    assert [parameters["input"] for _, _, parameters in clients.calls] == ['{"scheduledTime":"2026-01-01T00:00:01Z"}']


def test_a_time_that_had_passed_when_the_schedule_was_created_does_not_fire() -> None:
    clients = FakeClients()
    held = schedule(expression="at(2025-12-31T23:59:59)", created=BEGUN)
    Schedules(lambda: iter([held]), clients, lambda: BEGUN + timedelta(seconds=1)).tick()
    assert clients.calls == []


def test_schedules_that_cannot_be_read_are_read_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("localcloud.schedule.POLL_SECONDS", 0.001)
    clock = [BEGUN]
    reads = iter(range(1_000_000))
    fired = threading.Event()

    class Told(FakeClients):
        def client(self, *given: Any, **named: Any) -> Any:
            fired.set()
            return super().client(*given, **named)

    def read() -> Iterator[Schedule]:
        if next(reads) < 3:
            raise RuntimeError("dictionary changed size during iteration")
        yield schedule()
        clock[0] += timedelta(seconds=20)

    schedules = Schedules(read, Told(), lambda: clock[0])
    schedules.start()
    assert fired.wait(10)
    schedules.stop()
    assert caplog.text.count("cannot read the schedules") == 1


def test_nothing_fires_after_the_end_date() -> None:
    clock = [BEGUN]
    clients = FakeClients()
    schedules = Schedules(lambda: iter([schedule(end=BEGUN + timedelta(seconds=30))]), clients, lambda: clock[0])
    for minutes in range(3):
        clock[0] = BEGUN + timedelta(minutes=minutes)
        schedules.tick()
    assert clients.calls == []

"""When a schedule fires: EventBridge's rate, cron and at expressions. Pure.

The cron dialect has six fields (minutes, hours, day of month, month, day of week, year); one of the two day fields is
``?``. See "Schedule types in EventBridge Scheduler" in the user guide.
"""

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol
from zoneinfo import ZoneInfo

_CALL = re.compile(r"(rate|cron|at)\((.*)\)")
_RATE = re.compile(r"(\d+) (minute|hour|day)s?")
_MONTHS: Final = {name.upper(): number for number, name in enumerate(calendar.month_abbr) if name}
_DAYS: Final = {name: number for number, name in enumerate(["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"], start=1)}
_LAST_YEAR = 2199


class Expression(Protocol):
    """A schedule's times."""

    def next_after(self, moment: datetime, begun: datetime) -> datetime | None:
        """The first time later than ``moment`` of a schedule that began at ``begun``; None if there is none."""
        ...


def parse(expression: str, timezone: str = "UTC") -> Expression:
    """Raises ValueError, naming what is wrong with the expression."""
    found = _CALL.fullmatch(expression.strip())
    if not found:
        raise ValueError(f"{expression!r} is neither rate(…), cron(…) nor at(…)")
    kind, text = found.groups()
    if kind == "rate":
        return _rate(text)
    zone = ZoneInfo(timezone)
    if kind == "at":
        return _Once(moment=datetime.fromisoformat(text).replace(tzinfo=zone))
    fields = text.split()
    if len(fields) != 6:
        raise ValueError(f"cron({text}) has {len(fields)} fields; it takes 6")
    if "?" not in (fields[2], fields[4]):
        raise ValueError(f"cron({text}): either the day of the month or the day of the week must be ?")
    minutes, hours, days, months, weekdays, years = fields
    return _Cron(
        minutes=_values(minutes, 0, 59, {}),
        hours=_values(hours, 0, 23, {}),
        months=frozenset(_values(months, 1, 12, _MONTHS)),
        years=frozenset(_values(years, 1970, _LAST_YEAR, {})),
        day=days,
        weekday=weekdays,
        zone=zone,
    )


def _rate(text: str) -> Expression:
    found = _RATE.fullmatch(text)
    if not found or int(found[1]) == 0:
        raise ValueError(f"rate({text}) is not like rate(5 minutes)")
    return _Every(period=timedelta(**{f"{found[2]}s": int(found[1])}))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Once:
    moment: datetime

    def next_after(self, moment: datetime, begun: datetime) -> datetime | None:
        del begun
        return self.moment.astimezone(UTC) if self.moment > moment else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Every:
    period: timedelta

    def next_after(self, moment: datetime, begun: datetime) -> datetime | None:
        past = max((moment - begun) // self.period, 0)
        return begun + (past + 1) * self.period


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cron:
    minutes: list[int]
    hours: list[int]
    months: frozenset[int]
    years: frozenset[int]
    day: str
    weekday: str
    zone: ZoneInfo

    def next_after(self, moment: datetime, begun: datetime) -> datetime | None:
        del begun
        local = moment.astimezone(self.zone)
        date = local.date()
        while date.year <= _LAST_YEAR:
            if date.year not in self.years or date.month not in self.months:
                date = (date.replace(day=28) + timedelta(days=4)).replace(day=1)  # the first of the next month
                continue
            if date.day in _days(date.year, date.month, self.day, self.weekday):
                for hour in self.hours:
                    for minute in self.minutes:
                        candidate = datetime(date.year, date.month, date.day, hour, minute, tzinfo=self.zone)
                        found = candidate.astimezone(UTC)
                        if found > moment and found.astimezone(self.zone).hour == hour:  # else skipped by the clocks
                            return found
            date += timedelta(days=1)
        return None


def _days(year: int, month: int, day: str, weekday: str) -> set[int]:
    """The days of a month that a pair of day fields names."""
    last = calendar.monthrange(year, month)[1]
    if weekday in ("?", "*"):
        if day in ("?", "*"):
            return set(range(1, last + 1))
        if day == "L":
            return {last}
        if day.endswith("W"):
            return {_nearest_weekday(year, month, min(int(day[:-1]), last), last)}
        return set(_values(day, 1, 31, {}))
    by_weekday: dict[int, list[int]] = {number: [] for number in range(1, 8)}
    for number in range(1, last + 1):
        by_weekday[(calendar.weekday(year, month, number) + 1) % 7 + 1].append(number)
    if weekday == "L":
        return set(by_weekday[7])
    if weekday.endswith("L"):
        return {by_weekday[_values(weekday[:-1], 1, 7, _DAYS)[0]][-1]}
    if "#" in weekday:
        name, _, nth = weekday.partition("#")
        return set(by_weekday[_values(name, 1, 7, _DAYS)[0]][int(nth) - 1 : int(nth)])
    return {number for chosen in _values(weekday, 1, 7, _DAYS) for number in by_weekday[chosen]}


def _nearest_weekday(year: int, month: int, day: int, last: int) -> int:
    match calendar.weekday(year, month, day):
        case calendar.SATURDAY:
            return day - 1 if day > 1 else day + 2
        case calendar.SUNDAY:
            return day + 1 if day < last else day - 2
        case _:
            return day


def _values(field: str, low: int, high: int, names: dict[str, int]) -> list[int]:
    """``1,5-7,*/15`` as sorted numbers."""
    chosen: set[int] = set()
    for part in field.upper().split(","):
        span, _, step = part.partition("/")
        first, dash, final = span.partition("-")
        if first == "*":
            begin, end = low, high
        else:
            begin = _number(first, names, field)
            end = _number(final, names, field) if dash else (high if step else begin)
        stride = _number(step, {}, field) if step else 1
        if not low <= begin <= end <= high or stride < 1:
            raise ValueError(f"{field!r} is not within {low} to {high}")
        chosen.update(range(begin, end + 1, stride))
    return sorted(chosen)


def _number(text: str, names: dict[str, int], field: str) -> int:
    if text in names:
        return names[text]
    if not text.isdigit():
        raise ValueError(f"{field!r} holds {text!r}, which is no number")
    return int(text)

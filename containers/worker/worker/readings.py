"""Readings of records: fetched (here: drawn from a seed), classified, summed up. Pure.

The classification is the one of the AWS sample that this pipeline follows: hourly values from 10 to 19,999, and an hour
is "open" when its value is above 15,000.
"""

import hashlib
import struct
from collections.abc import Iterable

from fanout.records import Classified, Readings, Statistics

LOWEST, BEYOND = 10, 20_000  # readings lie in [LOWEST, BEYOND)


def fetch(record_id: str, *, seed: int, hours: int) -> Readings:
    """The readings of one record. They depend on seed and id alone, so that no division into nodes changes them.

    32 bits of noise a reading: reduced to 19,990 values they favour none by more than 1 in 200,000. A pipeline of your
    own asks its source here.
    """
    noise = hashlib.shake_256(f"{seed}/{record_id}".encode()).digest(4 * hours)
    width = BEYOND - LOWEST
    return Readings(id=record_id, values=tuple([LOWEST + word % width for word in struct.unpack(f"<{hours}I", noise)]))


def classify(readings: Readings, open_above: int) -> Classified:
    """Which hours are open, and the extremes and the mean of all hours."""
    values = readings.values
    return Classified(
        id=readings.id,
        open_hours=tuple([hour for hour, value in enumerate(values) if value > open_above]),
        minimum=min(values),
        maximum=max(values),
        mean=sum(values) / len(values),
    )


def statistics(records: Iterable[Readings], open_above: int) -> Statistics:
    """Of all readings of all records."""
    values = [value for record in records for value in record.values]
    return Statistics(
        readings=len(values),
        open=sum([value > open_above for value in values]),
        total=sum(values),
        minimum=min(values, default=None),
        maximum=max(values, default=None),
    )

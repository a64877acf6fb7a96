"""Readings: the same for a record wherever it is worked on, and classified as documented."""

import pytest

from fanout.records import Classified, Readings, Statistics
from worker.readings import classify, fetch, statistics

BY_HAND = Readings(id="R1", values=(10, 15_000, 15_001, 19_999))


def test_a_records_readings_follow_from_seed_and_id_alone() -> None:
    first = fetch("R1", seed=7, hours=24)
    assert fetch("R1", seed=7, hours=24) == first
    assert fetch("R2", seed=7, hours=24).values != first.values
    assert fetch("R1", seed=8, hours=24).values != first.values
    assert fetch("R1", seed=7, hours=5).values == first.values[:5]


def test_the_readings_of_a_known_record_never_change_between_versions() -> None:
    assert fetch("R0000000", seed=1, hours=4).values == (3650, 11132, 1540, 934)


def test_an_hour_is_open_only_above_the_threshold() -> None:
    expected = Classified(id="R1", open_hours=(2, 3), minimum=10, maximum=19_999, mean=12_502.5)
    assert classify(BY_HAND, 15_000) == expected


def test_statistics_count_every_reading_once() -> None:
    two = [BY_HAND, Readings(id="R2", values=(20, 16_000))]
    assert statistics(two, 15_000) == Statistics(readings=6, open=3, total=66_030, minimum=10, maximum=19_999)
    assert statistics(two, 15_000).mean == 11_005


def test_of_no_readings_there_is_no_mean() -> None:
    assert statistics([], 15_000) == Statistics()
    assert Statistics().mean is None


@pytest.mark.parametrize(
    "parts", [[], [Statistics()], [Statistics(), Statistics(readings=1, total=5, minimum=5, maximum=5)]]
)
def test_statistics_of_parts_add_up(parts: list[Statistics]) -> None:
    assert Statistics.add_up(parts) == (parts[-1] if parts else Statistics())

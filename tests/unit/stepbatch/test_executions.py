"""Executions by name."""

from datetime import UTC, datetime

import pytest

from stepbatch.errors import UsageError
from stepbatch.executions import execution_name, find
from tests.unit.stepbatch.fakes import FakeStepFunctions, cloud, execution_arn

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_a_name_tells_book_and_time_without_a_colon() -> None:
    assert execution_name("book", NOON, "1f9a") == "book-20260101T120000Z-1f9a"


def test_a_name_is_cut_and_cleaned_to_what_step_functions_takes() -> None:
    name = execution_name("größtes Buch: " * 20, NOON, "1f9a")
    assert len(name) == 80
    assert name.endswith("-20260101T120000Z-1f9a")
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")


def test_an_execution_is_found_by_its_name_and_by_its_arn() -> None:
    here = cloud(FakeStepFunctions([{"status": "RUNNING"}], started=[{"name": "run"}]))
    assert find(here, "run") == find(here, execution_arn("run")) == execution_arn("run")


def test_an_unknown_execution_is_named_with_the_machines_that_were_asked() -> None:
    with pytest.raises(UsageError, match="there is no execution 'nope' of stepbatch-MonteCarlo"):
        find(cloud(FakeStepFunctions([])), "nope")

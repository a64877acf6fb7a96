"""ListJobs: status, filters, pages."""

from typing import TYPE_CHECKING, Any

import pytest

from localcloud.batch.dependencies import members
from localcloud.batch.jobs import Job
from localcloud.batch.listing import page
from localcloud.batch.requests import RefusedError

if TYPE_CHECKING:
    from tests.unit.batch.conftest import Desk


def ids(jobs: list[Job]) -> list[str]:
    return [job.id for job in jobs]


@pytest.fixture
def newest_first(desk: "Desk") -> list[Job]:
    """c (cancelled), b and a, a second apart."""
    made = []
    for name in "abc":
        made.append(desk.submit(name))
        desk.run(made[-1])
        desk.wait(1)
    desk.end(made[-1], 1)
    return made[::-1]


def test_without_a_status_only_running_jobs_are_listed(newest_first: list[Job]) -> None:
    assert ids(page(newest_first, {"jobQueue": "q"})[0]) == ["b", "a"]
    assert ids(page(newest_first, {"jobQueue": "q", "jobStatus": "FAILED"})[0]) == ["c"]


def test_pages_lose_and_repeat_nothing_though_jobs_are_submitted_in_between(desk: "Desk") -> None:
    jobs = [desk.submit(f"job{number}", vcpus=0.1) for number in range(7)]
    body: dict[str, Any] = {"jobQueue": "q", "jobStatus": "STARTING", "maxResults": 3}
    first, token = page(jobs[::-1], body)
    jobs.append(desk.submit("late", vcpus=0.1))
    second, token = page(jobs[::-1], {**body, "nextToken": token})
    third, end = page(jobs[::-1], {**body, "nextToken": token})
    assert ids(first + second + third) == [f"job{number}" for number in reversed(range(7))]
    assert end is None


def test_a_page_that_is_exactly_full_has_no_next(desk: "Desk") -> None:
    jobs = [desk.submit(f"job{number}") for number in range(3)]
    assert page(jobs, {"jobQueue": "q", "jobStatus": "STARTING", "maxResults": 3})[1] is None


def test_ten_thousand_children_come_in_pages_of_a_thousand(desk: "Desk") -> None:
    children = members(desk.submit("job", size=10_000, vcpus=4))
    body: dict[str, Any] = {"arrayJobId": "job", "jobStatus": "RUNNABLE"}
    found, token = page(children, body)
    sizes = [len(found)]
    while token:
        more, token = page(children, {**body, "nextToken": token})
        found, sizes = found + more, [*sizes, len(more)]
    assert sizes == [1000] * 9 + [999]
    assert ids(found) == [f"job:{index}" for index in range(1, 10_000)]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("JOB_NAME", "B", ["b"]),
        ("JOB_NAME", "*", ["c", "b", "a"]),
        ("JOB_NAME", "z*", []),
        ("JOB_DEFINITION", "d", ["c", "b", "a"]),
        ("JOB_DEFINITION", "arn:d:1", ["c", "b", "a"]),
        ("JOB_DEFINITION", "arn:d*", []),
        ("BEFORE_CREATED_AT", "1001000", ["a"]),
        ("AFTER_CREATED_AT", "1001000", ["c"]),
    ],
)
def test_a_filter_finds_jobs_of_any_status(newest_first: list[Job], name: str, value: str, expected: list[str]) -> None:
    body = {"jobQueue": "q", "jobStatus": "RUNNING", "filters": [{"name": name, "values": [value]}]}
    assert ids(page(newest_first, body)[0]) == expected


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"maxResults": 1001}, "between 1 and 1000, got 1001"),
        ({"maxResults": 0}, "between 1 and 1000, got 0"),
        ({"jobStatus": "DONE"}, "jobStatus DONE is not one of SUBMITTED, PENDING"),
        ({"maxResults": 101, "filters": [{"name": "JOB_NAME", "values": ["a"]}]}, "between 1 and 100, got 101"),
        ({"nextToken": "nonsense"}, "Invalid nextToken"),
        ({"nextToken": "W10="}, "Invalid nextToken"),
        ({"nextToken": "NQ=="}, "Invalid nextToken"),  # 5
        ({"filters": [{"name": "COLOUR", "values": ["red"]}]}, "COLOUR is not one of"),
        ({"filters": [{"name": "JOB_NAME", "values": []}]}, "must have a value"),
        ({"filters": [{"name": "BEFORE_CREATED_AT", "values": ["now"]}]}, "milliseconds since 1970, got now"),
        ({"filters": [{"name": "JOB_NAME", "values": ["a"]}] * 2}, "Only one filter"),
        ({"arrayJobId": "a", "filters": [{"name": "JOB_NAME", "values": ["a"]}]}, "child jobs"),
    ],
)
def test_a_question_that_breaks_a_rule_is_refused(newest_first: list[Job], body: dict[str, Any], message: str) -> None:
    with pytest.raises(RefusedError) as refused:
        page(newest_first, body)
    assert message in str(refused.value)


def test_a_token_belongs_to_its_question(newest_first: list[Job]) -> None:
    _, token = page(newest_first, {"jobQueue": "q", "maxResults": 1})
    assert token
    with pytest.raises(RefusedError, match="Invalid nextToken"):
        page(newest_first, {"jobQueue": "q", "jobStatus": "FAILED", "nextToken": token})

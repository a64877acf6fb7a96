"""docs/local-batch.md says what the code does."""

import re
from pathlib import Path

from localcloud.batch import admission, dependencies, jobs, listing, requests, scheduler
from localcloud.batch.jobs import TRANSITIONS, Status

REPOSITORY = Path(__file__).parents[3]
PAGE = (REPOSITORY / "docs" / "local-batch.md").read_text()


def test_the_diagram_shows_the_legal_transitions_and_no_others() -> None:
    shown = {(before, after) for before, after in re.findall(r"^ +([A-Z]+) --> ([A-Z]+)", PAGE, re.MULTILINE)}
    assert shown == {(before.value, after.value) for before in TRANSITIONS for after in TRANSITIONS[before]}


def test_the_statuses_are_the_services() -> None:
    assert [status.value for status in Status] == [
        "SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED", "FAILED",
    ]  # fmt: skip


def test_limits_on_the_page_are_the_codes() -> None:
    assert f"size {requests.ARRAY_SIZES[0]} to {requests.ARRAY_SIZES[-1]:,}" in PAGE
    assert f"up to {requests.MAX_DEPENDENCIES} a job" in PAGE
    assert f"from {requests.MIN_TIMEOUT} seconds" in PAGE
    assert f"after {scheduler.STOP_GRACE // 1000} seconds SIGKILL" in PAGE
    assert f"{requests.MAX_REQUEST // 1024} KiB" in PAGE
    assert f"beyond {requests.MAX_OVERRIDES:,} characters" in PAGE
    assert f"pages of {listing.PAGE:,} ({listing.FILTERED_PAGE} with a filter)" in PAGE
    assert all(name in PAGE for name in listing.FILTERS)
    assert admission.TOO_LARGE.partition(" - ")[0] in PAGE
    assert scheduler.DEPENDENCY_FAILED in PAGE


def test_every_module_of_the_room_is_on_the_page() -> None:
    room = Path(jobs.__file__).parent
    assert Path(dependencies.__file__).parent == room
    unnamed = {
        path.stem
        for path in room.glob("*.py")
        if path.stem != "__init__" and not re.search(rf"\b{path.stem}(\.py)?\b", PAGE)
    }
    assert unnamed <= {"commands", "output", "sources"}, "small parts of scheduler, executor and pool"

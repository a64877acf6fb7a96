"""evaluateOnExit, by hand."""

import pytest

from localcloud.batch.jobs import RetryRule
from localcloud.batch.retries import matches, retries

RULES = (  # those of every definition of ours, in this order
    RetryRule(action="RETRY", on_status_reason="Host EC2*"),
    RetryRule(action="EXIT", on_exit_code="2"),
    RetryRule(action="EXIT", on_reason="OutOfMemoryError*"),
    RetryRule(action="RETRY", on_exit_code="*"),
    RetryRule(action="EXIT", on_reason="*"),
)
EXITED = "Essential container in task exited"


@pytest.mark.parametrize(
    ("pattern", "value", "expected"),
    [
        ("137", "137", True),
        ("13", "137", False),
        ("13*", "137", True),
        ("*", "137", True),
        ("*", None, True),
        ("", None, True),
        ("Host EC2*", "Host EC2 (instance i-1) terminated.", True),
        ("host ec2*", "Host EC2 (instance i-1) terminated.", False),
        ("*terminated.", "Host EC2 (instance i-1) terminated.", False),  # only a trailing star is one
    ],
)
def test_a_pattern_is_the_whole_text_or_its_beginning(pattern: str, value: str | None, expected: bool) -> None:
    assert matches(pattern, value) is expected


@pytest.mark.parametrize(
    ("exit_code", "reason", "status_reason", "expected"),
    [
        (None, None, "Host EC2 (instance i-1) terminated.", True),
        (2, None, EXITED, False),
        (137, "OutOfMemoryError: Container killed due to memory usage", EXITED, False),
        (137, None, EXITED, True),
        (1, None, EXITED, True),
        (75, None, EXITED, True),
        (None, "CannotPullContainerError: no such image", "Task failed to start", False),
    ],
)
def test_the_rules_of_our_definitions(
    exit_code: int | None, reason: str | None, status_reason: str, expected: bool
) -> None:
    assert retries(RULES, exit_code=exit_code, reason=reason, status_reason=status_reason) is expected


def test_no_rule_that_matches_means_retry() -> None:
    assert retries((), exit_code=1, reason=None, status_reason=EXITED)
    assert retries(RULES[1:2], exit_code=3, reason=None, status_reason=EXITED)


def test_all_conditions_of_a_rule_must_hold() -> None:
    rule = RetryRule(action="EXIT", on_exit_code="1", on_reason="Disk*")
    assert not retries((rule,), exit_code=1, reason="Disk full", status_reason=EXITED)
    assert retries((rule,), exit_code=1, reason="Network", status_reason=EXITED)
    assert retries((rule,), exit_code=3, reason="Disk full", status_reason=EXITED)

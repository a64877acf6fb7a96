"""The template's roles have what the pipelines need, and nothing that can be taken away unnoticed."""

from tests.local.iam.conftest import RENDERING
from tests.local.iam.evidence import Evidence, reasons


def test_nothing_that_the_pipelines_do_is_denied(evidence: Evidence) -> None:
    assert evidence.denied == []


def test_without_any_one_statement_action_or_resource_that_a_run_used_something_is_denied(evidence: Evidence) -> None:
    assert evidence.spared() == []


def test_what_no_run_used_is_listed_with_its_reason_and_nothing_else_is(evidence: Evidence) -> None:
    listed = {grant for grant in reasons() if not grant.startswith(RENDERING)}
    assert evidence.unused - listed == set(), "add why no run uses it to unused.toml, or take it from the template"
    assert listed - evidence.unused == set(), "a run uses it, or it is gone: take it from unused.toml"

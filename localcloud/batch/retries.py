"""Whether a failed attempt is followed by another: ``evaluateOnExit`` as AWS Batch evaluates it. Pure."""

from collections.abc import Sequence

from localcloud.batch.jobs import RetryRule


def matches(pattern: str, value: str | None) -> bool:
    """Whether ``value`` is ``pattern``, or starts with what precedes its trailing ``*``.

    A missing reason is the empty string, so that ``*`` stands for any reason and for none.
    """
    text = value or ""
    return text.startswith(pattern[:-1]) if pattern.endswith("*") else text == pattern


def retries(rules: Sequence[RetryRule], *, exit_code: int | None, reason: str | None, status_reason: str) -> bool:
    """The action of the first rule whose conditions all hold is RETRY; without such a rule the job is retried."""
    for rule in rules:
        if rule.on_exit_code is not None and (exit_code is None or not matches(rule.on_exit_code, str(exit_code))):
            continue  # a container that never reported a code matches no code, not even "*"
        if rule.on_reason is not None and not matches(rule.on_reason, reason):
            continue
        if rule.on_status_reason is not None and not matches(rule.on_status_reason, status_reason):
            continue
        return rule.action == "RETRY"
    return True

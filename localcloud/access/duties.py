"""What AWS itself does in a role, without any request of the role's: it assumes it, mounts, logs, listens to events."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Protocol

from localcloud.access.guard import Guard, explanation
from localcloud.access.operations import Where, log_group
from localcloud.access.policies import Ask
from localcloud.errors import ApiError
from localcloud.mounts import Mount


class Issue(Protocol):
    """Role ARN (None: the developer) and session name to ``AWS_*`` variables."""

    def __call__(self, role_arn: str | None, session_name: str) -> dict[str, str]: ...


# What a ``.sync`` task hears of its job's end by: the middle of the resource → the rule that Step Functions makes
_RULES: Final = {
    ":::batch:": "StepFunctionsGetEventsForBatchJobsRule",
    ":::ecs:": "StepFunctionsGetEventsForECSTaskRule",
    ":::states:": "StepFunctionsGetEventsForStepFunctionsExecutionRule",
    ":::codebuild:": "StepFunctionsGetEventForCodeBuildStartBuildRule",
}
_DELIVERY: Final = (
    *("CreateLogDelivery", "GetLogDelivery", "UpdateLogDelivery", "DeleteLogDelivery", "ListLogDeliveries"),
    *("PutResourcePolicy", "DescribeResourcePolicies", "DescribeLogGroups"),
)


class Duties:
    """Each raises LookupError or ApiError, in the words of the service, where the role does not do."""

    def __init__(self, guard: Guard, where: Where, issue: Issue) -> None:
        self._guard = guard
        self._where = where
        self._issue = issue

    def assuming(self, *services: str, problem: str) -> Issue:
        """Credentials of a role for one of ``services``; LookupError, ``problem`` with its ARN, if it trusts none."""

        def credentials(role_arn: str | None, session_name: str) -> dict[str, str]:
            if role_arn is not None and not self.trusted(role_arn, *services):
                raise LookupError(problem.format(role=role_arn))
            return self._issue(role_arn, session_name)

        return credentials

    def trusted(self, role: str, *services: str) -> bool:
        return any(self._guard.trusts(role, service) for service in services)

    def mount(self, role: str | None, mounts: Iterable[Mount], file_systems: Mapping[str, str]) -> None:
        """LookupError unless the role may mount them. ``file_systems``: access point → its file system.

        A directory cannot be mounted read-only here, so a writable mount without ClientWrite is refused, which AWS
        would let pass until something is written.
        """
        for mount in mounts:
            if role is None or not mount.authorized:
                continue
            owner = file_systems.get(mount.file_system)
            arn = self._where.arn("elasticfilesystem", f"file-system/{owner or mount.file_system}")
            point = self._where.arn("elasticfilesystem", f"access-point/{mount.file_system}")
            context = {"elasticfilesystem:accesspointarn": point} if owner else {}
            for name in ["ClientMount"] if mount.read_only else ["ClientMount", "ClientWrite"]:
                ask = Ask(action=f"elasticfilesystem:{name}", resource=arn, context=context)
                verdict = self._guard.decide(role, ask)
                if not verdict.allowed:
                    raise LookupError(f"{role} may not mount {mount.path}: {explanation(ask, verdict)}")

    def logs(self, role: str, group: str, stream: str) -> bool:
        """Whether a function of this role may write its log: without leave it runs on, in silence."""
        arn = log_group(group, self._where)
        asks = [
            Ask(action="logs:CreateLogStream", resource=arn),
            Ask(action="logs:PutLogEvents", resource=f"{arn.removesuffix('*')}log-stream:{stream}"),
        ]
        return all([self._guard.decide(role, ask).allowed for ask in asks])  # noqa: C419 each is recorded

    def state_machine(self, body: Mapping[str, Any]) -> None:
        """ApiError unless the role of a state machine may do what its ``.sync`` tasks and its log need."""
        role = body.get("roleArn")
        if role is None:
            return
        if not self._guard.trusts(role, "states.amazonaws.com"):
            words = f"Neither the global service principal states.amazonaws.com, nor the regional one is authorized to assume the provided role: {role}"  # noqa: E501
            raise ApiError(400, "AccessDeniedException", words)
        for resource in sorted(_synchronous(json.loads(body.get("definition", "{}")))):
            rule = next((_RULES[part] for part in _RULES if part in resource), None)
            if rule is None:
                continue
            arn = self._where.arn("events", f"rule/{rule}")
            self._require(role, "events", ("PutTargets", "PutRule", "DescribeRule"), arn, "create managed-rule")
        level = (body.get("loggingConfiguration") or {}).get("level", "OFF")
        if level != "OFF":
            self._require(role, "logs", _DELIVERY, "*", "access the Log Destination")

    def _require(self, role: str, service: str, actions: Iterable[str], resource: str, what: str) -> None:
        for name in actions:
            ask = Ask(action=f"{service}:{name}", resource=resource)
            verdict = self._guard.decide(role, ask)
            if not verdict.allowed:
                problem = f"'{role}' is not authorized to {what}: {explanation(ask, verdict)}"
                raise ApiError(400, "AccessDeniedException", problem)


def _synchronous(value: Any) -> Iterator[str]:
    """Resources of every task in a definition that waits for what it started."""
    if isinstance(value, dict):
        resource = value.get("Resource")
        if isinstance(resource, str) and ".sync" in resource:
            yield resource
        for item in value.values():
            yield from _synchronous(item)
    elif isinstance(value, list):
        for item in value:
            yield from _synchronous(item)

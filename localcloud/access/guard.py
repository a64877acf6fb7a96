"""The guard at the gateway: every request of a role is judged before anyone answers it.

Requests with credentials that were not issued here are the developer's, who may do anything, as the account's root.
"""

from collections.abc import Mapping
from typing import Any, Final

from localcloud.access import operations, s3
from localcloud.access.operations import Where
from localcloud.access.policies import Ask, Verdict
from localcloud.access.record import Record
from localcloud.access.roles import BucketPolicies, Roles
from localcloud.calls import Call
from localcloud.errors import ApiError
from localcloud.iam import Credentials, Principal

_CODES: Final[Mapping[str, tuple[int, str]]] = {
    "s3": (403, "AccessDenied"),
    "sns": (403, "AuthorizationError"),
    "lambda": (403, "AccessDeniedException"),
    "batch": (403, "AccessDeniedException"),
    **dict.fromkeys(("cloudformation", "iam", "sqs", "sts"), (403, "AccessDenied")),
}
_JSON = (400, "AccessDeniedException")  # the code of the AWS-JSON protocol


class Guard:
    """Decides, and records what it decided."""

    def __init__(self, *, credentials: Credentials, roles: Roles, buckets: BucketPolicies, where: Where) -> None:
        self._credentials = credentials
        self._roles = roles
        self._buckets = buckets
        self._where = where
        self.record = Record()

    def admit(self, call: Call) -> None:
        """ApiError, in the code of the service, unless whoever makes the call may make it."""
        role = self._credentials.role(call)
        if role is None:
            return
        asks = s3.asks(call) if call.service == "s3" else operations.asks(call, self._where)
        if asks is None:
            what = f"{call.service} {operations.operation(call)}"
            problem = f"{what}, and localcloud does not know which action of IAM that is, so it lets no role do it"
            raise _denial(call.service, self._credentials.principal(call), self._where.account, problem)
        for ask in asks:
            verdict = self.decide(role, ask)
            if not verdict.allowed:
                raise self.denial(call, ask, verdict)

    def decide(self, role: str, ask: Ask) -> Verdict:
        """What the role's policies, and the bucket's where it is about one, say; recorded."""
        policies = self._roles.policies(role)
        verdict = policies.judge(ask)
        if ask.action.startswith("s3:"):
            theirs = self._buckets.judge(ask, role, policies.base)
            if theirs is not None and not verdict.explicit and (theirs.allowed or theirs.explicit):
                verdict = theirs
        self.record.add(self._roles.name(role), ask, verdict)
        return verdict

    def trusts(self, role: str, service: str) -> bool:
        """Whether a service, such as ``states.amazonaws.com``, may act in the role."""
        return self._roles.trusts(role, service)

    def denial(self, call: Call, ask: Ask, verdict: Verdict) -> ApiError:
        """The error that tells who may not do what to what, and why."""
        principal = self._credentials.principal(call)
        return _denial(call.service, principal, self._where.account, explanation(ask, verdict))

    def role(self, call: Call) -> str | None:
        return self._credentials.role(call)

    def document(self) -> dict[str, Any]:
        """Roles with their policies, and every kind of decision so far."""
        decisions = [decision.document() for decision in self.record.decisions()]
        return {"roles": self._roles.documents(), "decisions": decisions}


def explanation(ask: Ask, verdict: Verdict) -> str:
    words = f"{ask.action} on resource: {ask.resource} "
    if not verdict.explicit:
        return f"{words}because no identity-based policy allows the {ask.action} action"
    kind = "a resource-based policy" if verdict.by[0].policy == "bucket policy" else "an identity-based policy"
    return f"{words}with an explicit deny in {kind} (statement {verdict.by[0].statement})"


def _denial(service: str, principal: Principal, account: str, problem: str) -> ApiError:
    status, code = _CODES.get(service, _JSON)
    return ApiError(status, code, f"User: {principal.arn(account)} is not authorized to perform: {problem}")

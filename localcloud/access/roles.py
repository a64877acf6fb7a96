"""The policies of roles and buckets as they stand now, compiled when they change."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from moto.iam.models import iam_backends
from moto.s3.models import s3_backends

from localcloud.access.conditions import Context, listed
from localcloud.access.policies import Ask, Policies, Statement, Verdict, statements
from localcloud.calls import Call, Reply
from localcloud.errors import ApiError
from localcloud.objects.request import locate

type _Version = tuple[dict[str, str], dict[str, tuple[int, str]]]


class Roles:
    """What moto's IAM holds. A role that is gone may do nothing."""

    def __init__(self, *, account: str, region: str) -> None:
        self._account = account
        self._region = region
        self._compiled: dict[str, tuple[Any, _Version, Policies]] = {}

    def policies(self, arn: str) -> Policies:
        known = self._compiled.get(arn)
        backend = iam_backends[self._account]["aws"]
        role = known[0] if known is not None and backend.roles.get(known[0].id) is known[0] else self._find(arn)
        if role is None:
            return Policies(())
        version = (role.policies, {key: (id(held), held.default_version_id) for key, held in _attached(role)})
        if known is None or known[0] is not role or known[1] != version:
            compiled = Policies(self._statements(role), self._base(arn))
            known = self._compiled[arn] = (role, (dict(version[0]), version[1]), compiled)
        return known[2]

    def trusts(self, arn: str, service: str) -> bool:
        """Whether the role's trust policy lets a service of this account act in it. One that is gone trusts nobody."""
        role = self._find(arn)
        if role is None:
            return False
        found = statements("trust policy", json.loads(role.assume_role_policy_document))
        theirs = [each for each in found if service in _services(each.principal)]
        context = {"aws:sourceaccount": self._account}
        return Policies(theirs, context).judge(Ask(action="sts:AssumeRole", context=context)).allowed

    def documents(self) -> dict[str, dict[str, Any]]:
        """Role → policy → document, of every role; managed policies under their ARN."""
        return {role.name: _documents(role) for role in list(iam_backends[self._account]["aws"].roles.values())}

    def name(self, arn: str) -> str:
        return arn.rpartition("/")[2]

    def _find(self, arn: str) -> Any:
        return next((role for role in list(iam_backends[self._account]["aws"].roles.values()) if role.arn == arn), None)

    def _statements(self, role: Any) -> list[Statement]:
        if role.permissions_boundary_arn:
            raise ApiError(
                501, "NotImplemented", f"localcloud does not evaluate the permissions boundary of {role.arn}"
            )
        return [found for name, document in _documents(role).items() for found in statements(name, document)]

    def _base(self, arn: str) -> Context:
        """Condition keys that every request of the role has. What AWS gets over TLS comes here from this machine."""
        return {
            "aws:principalaccount": self._account,
            "aws:principalarn": arn,
            "aws:principaltype": "AssumedRole",
            "aws:requestedregion": self._region,
            "aws:securetransport": "true",
            "aws:sourceip": "127.0.0.1",
        }


def _services(principal: Any) -> list[str]:
    return listed(principal.get("Service", [])) if isinstance(principal, Mapping) else []


def _attached(role: Any) -> list[tuple[str, Any]]:
    return list(role.managed_policies.items())


def _documents(role: Any) -> dict[str, Any]:
    found = {name: json.loads(document) for name, document in list(role.policies.items())}
    for arn, policy in _attached(role):
        version = next(each for each in policy.versions if each.version_id == policy.default_version_id)
        found[arn] = json.loads(version.document)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _BucketPolicy:
    text: str
    statements: tuple[Statement, ...]
    compiled: dict[str, Policies] = field(default_factory=dict)  # role → what addresses it


class BucketPolicies:
    """Policies of buckets, which moto would apply without their conditions; and the three calls about them."""

    def __init__(self, *, account: str) -> None:
        self._account = account
        self._policies: WeakKeyDictionary[Any, _BucketPolicy] = WeakKeyDictionary()

    def judge(self, ask: Ask, principal: str, base: Context) -> Verdict | None:
        """What the policy of the bucket that ``ask`` is about says to a role; None where there is none."""
        if not self._policies:
            return None
        bucket = self._bucket(ask.resource.removeprefix("arn:aws:s3:::").partition("/")[0])
        held = None if bucket is None else self._policies.get(bucket)
        if held is None:
            return None
        policies = held.compiled.get(principal)
        if policies is None:
            addressed = [each for each in held.statements if _addresses(each.principal, principal, self._account)]
            policies = held.compiled[principal] = Policies(addressed, base)
        return policies.judge(ask)

    def __call__(self, call: Call) -> Reply | None:
        """Put, get and delete a bucket's policy; None for every other request."""
        if "policy" not in call.environ["QUERY_STRING"] or "policy" not in call.query:
            return None
        name, key = locate(call.environ)
        bucket = None if key else self._bucket(name)
        if bucket is None:
            return None
        if call.method == "PUT":
            text = call.body.decode()
            self._policies[bucket] = _BucketPolicy(text=text, statements=_parsed(text))
            return Reply(status=204)
        if call.method == "DELETE":
            self._policies.pop(bucket, None)
            return Reply(status=204)
        if bucket not in self._policies:
            raise ApiError(404, "NoSuchBucketPolicy", "The bucket policy does not exist")
        return Reply(body=self._policies[bucket].text.encode())

    def _bucket(self, name: str) -> Any:
        return s3_backends[self._account]["aws"].buckets.get(name)


def _parsed(text: str) -> tuple[Statement, ...]:
    try:
        return tuple(statements("bucket policy", json.loads(text)))
    except (ValueError, KeyError, TypeError, AssertionError) as error:
        raise ApiError(400, "MalformedPolicy", f"This policy contains invalid Json: {error}") from error


def _addresses(principal: Any, role: str, account: str) -> bool:
    """Whether a Principal element means the role: everyone, its account, or itself."""
    named = principal.get("AWS", []) if isinstance(principal, Mapping) else principal
    ours = {"*", account, f"arn:aws:iam::{account}:root", role}
    return any(each in ours for each in listed(named))

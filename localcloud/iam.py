"""Credentials of roles: who a request comes from is read off its access key.

Nothing is stored per session: the access key id names the role, the session token carries the session's name. So a
hundred thousand job attempts cost no memory, and credentials stay valid as long as the role exists.
"""

import base64
import hashlib
import json
import threading
from dataclasses import dataclass

from localcloud.calls import Call, Reply
from localcloud.errors import ApiError

DEVELOPER_KEY = "AKIALOCALCLOUD000000"  # whoever runs the CLI: any unknown key is treated alike
_SECRET = "localcloud"  # noqa: S105 signatures are not checked on this machine


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who makes a call; ``role_arn`` is None for the developer, who may do anything."""

    role_arn: str | None
    session: str

    def arn(self, account: str) -> str:
        """``arn:aws:sts::…:assumed-role/Name/session``, or the account's root."""
        if self.role_arn is None:
            return f"arn:aws:iam::{account}:root"
        return f"arn:aws:sts::{account}:assumed-role/{self.role_arn.rpartition('/')[2]}/{self.session}"


class Credentials:
    """Hands out credentials and recognises them again."""

    def __init__(self, account: str) -> None:
        self._account = account
        self._roles: dict[str, str] = {}
        self._lock = threading.Lock()

    def credentials_for(self, role_arn: str | None, session_name: str) -> dict[str, str]:
        """``AWS_*`` variables of a session of ``role_arn``; of the developer when it is None."""
        if role_arn is None:
            return {"AWS_ACCESS_KEY_ID": DEVELOPER_KEY, "AWS_SECRET_ACCESS_KEY": _SECRET}
        digest = base64.b32encode(hashlib.sha256(role_arn.encode()).digest()).decode()
        key = f"ASIA{digest[:16]}"
        with self._lock:
            self._roles[key] = role_arn
        token = json.dumps({"role": role_arn, "session": session_name[:64]}, separators=(",", ":"))
        return {
            "AWS_ACCESS_KEY_ID": key,
            "AWS_SECRET_ACCESS_KEY": _SECRET,
            "AWS_SESSION_TOKEN": base64.urlsafe_b64encode(token.encode()).decode(),
        }

    def role(self, call: Call) -> str | None:
        """The ARN of the role that a call is made in; None for the developer's."""
        return self._roles.get(call.access_key)

    def principal(self, call: Call) -> Principal:
        role = self.role(call)
        if role is None:
            return Principal(role_arn=None, session="")
        return Principal(role_arn=role, session=_session(call) or "localcloud")

    def sts(self, call: Call) -> Reply | None:
        """GetCallerIdentity of our own credentials; every other STS call is moto's."""
        if call.access_key not in self._roles or call.form().get("Action") != "GetCallerIdentity":
            return None
        principal = self.principal(call)
        user = f"AROA{call.access_key[4:]}:{principal.session}"
        text = (
            '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
            f"<Arn>{principal.arn(self._account)}</Arn><UserId>{user}</UserId><Account>{self._account}</Account>"
            "</GetCallerIdentityResult></GetCallerIdentityResponse>"
        )
        return Reply(body=text.encode(), content_type="text/xml")


def _session(call: Call) -> str:
    token = call.header("X-Amz-Security-Token")
    if not token:
        return ""
    try:
        return str(json.loads(base64.urlsafe_b64decode(token))["session"])
    except (ValueError, KeyError, TypeError) as error:
        raise ApiError(403, "InvalidClientTokenId", "The security token included in the request is invalid") from error

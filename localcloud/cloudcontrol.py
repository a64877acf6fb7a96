"""Cloud Control at the gateway: `sam list endpoints` asks it for the URLs of functions, and there are none here."""

from localcloud.calls import Call, Reply
from localcloud.errors import ApiError


def cloud_control(call: Call) -> Reply | None:
    """Finds nothing, in the service's own words; what else it is asked for is refused by name."""
    if call.target == "GetResource":
        raise ApiError(400, "ResourceNotFoundException", "localcloud keeps no resources for Cloud Control")
    raise ApiError(400, "UnsupportedActionException", f"localcloud does not answer Cloud Control's {call.target!r}")

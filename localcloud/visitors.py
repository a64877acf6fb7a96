"""Who may enter: programs of this machine, and no web page.

Nobody's signature is checked, so whoever reaches a door may run code. Web pages must not: a page of any site can send
requests to 127.0.0.1, and can read the answers once its own name resolves to it (DNS rebinding). Browsers give
themselves away by ``Origin``, and by the page's name in ``Host``; programs that speak to AWS send neither.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

_HERE = re.compile(r"(127\.0\.0\.1|\[::1\]|([a-z0-9._-]+\.)?localhost)(:[0-9]+)?", re.IGNORECASE)


def from_elsewhere(environ: Mapping[str, Any]) -> str | None:
    """Why a request may not enter: a web page sent it, or it was sent to another machine's name."""
    origin, host = environ.get("HTTP_ORIGIN", ""), environ.get("HTTP_HOST", "")
    if origin:
        return f"localcloud does not answer web pages (Origin: {origin})"
    if not _HERE.fullmatch(host):
        return f"localcloud answers to 127.0.0.1, localhost, *.localhost and [::1], not to Host {host!r}"
    return None


def refuse(problem: str, start_response: Any) -> Iterable[bytes]:
    body = f"{problem}\n".encode()
    start_response("403 Forbidden", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]

"""One AWS call as the gateway sees it, its answer, and errors in the words of each wire protocol."""

import io
import json
import re
import uuid
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from localcloud.errors import ApiError

_CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/\d{8}/([^/]+)/([^/]+)/aws4_request")
QUERY_SERVICES = frozenset({"cloudformation", "sts", "iam", "sns", "sqs"})  # XML errors; the rest of ours speak JSON


class Call:
    """A request, with the service, region and access key that its SigV4 credential scope names.

    Reading :attr:`body` leaves the request whole for whoever handles it next.
    """

    def __init__(self, environ: dict[str, Any]) -> None:
        self.environ = environ
        self.method: str = environ["REQUEST_METHOD"]
        self.path: str = environ["PATH_INFO"]
        found = _CREDENTIAL.search(environ.get("HTTP_AUTHORIZATION", ""))
        if found:
            self.access_key, self.region, self.service = found.groups()
        else:
            self.access_key, self.region, self.service = self._presigned()
        self.service = self.service.lower()

    def _presigned(self) -> tuple[str, str, str]:
        scope = self.query.get("X-Amz-Credential", [""])[0].split("/")
        return (scope[0], scope[2], scope[3]) if len(scope) == 5 else ("", "", "")

    @cached_property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(self.environ["QUERY_STRING"], keep_blank_values=True)

    @cached_property
    def body(self) -> bytes:
        data: bytes = self.environ["wsgi.input"].read()
        self.replace_body(data)
        return data

    def replace_body(self, data: bytes) -> None:
        self.environ["wsgi.input"] = io.BytesIO(data)
        self.environ["CONTENT_LENGTH"] = str(len(data))
        self.environ.pop("HTTP_TRANSFER_ENCODING", None)

    def json(self) -> dict[str, Any]:
        """The body as a JSON object; an empty body is an empty object."""
        try:
            document = json.loads(self.body or b"{}")
        except ValueError as error:
            raise ApiError(400, "SerializationException", f"the request body is not JSON: {error}") from error
        if not isinstance(document, dict):
            raise ApiError(400, "SerializationException", "the request body is not a JSON object")
        return document

    def form(self) -> dict[str, str]:
        """The body of a Query-protocol call, e.g. ``Action=DescribeStacks&…``, or its query string."""
        pairs = parse_qs(self.body.decode(), keep_blank_values=True) or self.query
        return {name: values[0] for name, values in pairs.items()}

    def header(self, name: str, default: str = "") -> str:
        value: str = self.environ.get(f"HTTP_{name.upper().replace('-', '_')}", default)
        return value

    @property
    def target(self) -> str:
        """The operation of an AWS-JSON call: ``AWSStepFunctions.StartExecution`` → ``StartExecution``."""
        return self.header("X-Amz-Target").rpartition(".")[2]


@dataclass(slots=True, kw_only=True)
class Reply:
    """A whole response."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: list[tuple[str, str]] = field(default_factory=list)

    @classmethod
    def of(cls, document: object, status: int = 200) -> "Reply":
        return cls(status=status, body=json.dumps(document, separators=(",", ":")).encode())

    def send(self, start_response: Any) -> list[bytes]:
        phrase = HTTPStatus(self.status).phrase
        headers = [("Content-Type", self.content_type), ("Content-Length", str(len(self.body)))]
        if not any(name.lower() == "x-amzn-requestid" for name, _ in self.headers):
            headers.append(("x-amzn-RequestId", str(uuid.uuid4())))
        start_response(f"{self.status} {phrase}", headers + self.headers)
        return [self.body]


def error_reply(service: str, error: ApiError) -> Reply:
    """``error`` as the protocol of ``service`` writes it, so that boto3 raises it by name."""
    if service == "s3":
        text = f"<Error><Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message></Error>"
        return Reply(status=error.status, body=text.encode(), content_type="application/xml")
    if service in QUERY_SERVICES:
        request_id = str(uuid.uuid4())
        kind = "Sender" if error.status < 500 else "Receiver"
        text = (
            f"<ErrorResponse><Error><Type>{kind}</Type><Code>{escape(error.code)}</Code>"
            f"<Message>{escape(error.message)}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>"
        )
        return Reply(status=error.status, body=text.encode(), content_type="text/xml")
    reply = Reply.of({"__type": error.code, "message": error.message, "Message": error.message}, error.status)
    reply.headers.append(("x-amzn-ErrorType", error.code))
    return reply

"""Batch at the gateway: the control plane is the catalogue's, jobs are the batch service's."""

from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import unquote

from localcloud.calls import Call, Reply
from localcloud.catalogue import BatchCatalogue
from localcloud.errors import ApiError

_TAGS = "/v1/tags/"
_TAG_OPERATIONS = {"GET": "listtagsforresource", "POST": "tagresource", "DELETE": "untagresource"}


class JobService(Protocol):
    """What answers for jobs."""

    def handle(self, operation: str, body: Mapping[str, Any]) -> Mapping[str, Any]: ...

    def owns(self, arn: str) -> bool: ...


class BatchApi:
    """One answer for every Batch call."""

    def __init__(self, catalogue: BatchCatalogue, jobs: JobService) -> None:
        self._catalogue = catalogue
        self._jobs = jobs

    def __call__(self, call: Call) -> Reply:
        if call.path.startswith(_TAGS):
            return self._tags(call, unquote(call.path.removeprefix(_TAGS)))
        operation = call.path.removeprefix("/v1/")
        body = call.json()
        if operation in self._catalogue.operations:
            return Reply.of(self._catalogue.handle(operation, body))
        return Reply.of(self._jobs.handle(operation, body))

    def _tags(self, call: Call, arn: str) -> Reply:
        operation = _TAG_OPERATIONS[call.method]
        if self._jobs.owns(arn):
            body = call.json() | {"resourceArn": arn}
            if call.method == "DELETE":
                body["tagKeys"] = call.query.get("tagKeys", [])
            return Reply.of(self._jobs.handle(operation, body))
        tags = self._catalogue.tags_of(arn)
        if tags is None:
            raise ApiError(404, "ClientException", f"Resource {arn} not found")
        if call.method == "GET":
            return Reply.of({"tags": tags})
        if call.method == "POST":
            tags.update(call.json()["tags"])
        for key in call.query.get("tagKeys", []) if call.method == "DELETE" else []:
            tags.pop(key, None)
        return Reply.of({})

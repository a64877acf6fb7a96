"""TagResource, UntagResource and ListTagsForResource of jobs."""

from collections.abc import Callable, Mapping
from typing import Any

from localcloud.batch.jobs import Job
from localcloud.batch.requests import RefusedError, check_tags

type Document = Mapping[str, Any]


class Tagging:
    """``find`` returns the job with an id or ARN, or raises RefusedError."""

    def __init__(self, find: Callable[[str], Job]) -> None:
        self._find = find
        self.operations: dict[str, Callable[[Document], dict[str, Any]]] = {
            "tagresource": self._tag,
            "untagresource": self._untag,
            "listtagsforresource": self._list,
        }

    def _tag(self, body: Document) -> dict[str, Any]:
        tags = self._tags(body)
        check_tags({**tags, **body["tags"]})
        tags.update(body["tags"])
        return {}

    def _untag(self, body: Document) -> dict[str, Any]:
        tags = self._tags(body)
        for key in body["tagKeys"]:
            tags.pop(key, None)
        return {}

    def _list(self, body: Document) -> dict[str, Any]:
        return {"tags": dict(self._tags(body))}

    def _tags(self, body: Document) -> dict[str, str]:
        job = self._find(body["resourceArn"])
        if job.tags is None:
            raise RefusedError(f"{body['resourceArn']} is the child of an array: only its parent has tags")
        return job.tags

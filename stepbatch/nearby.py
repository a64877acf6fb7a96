"""Objects of a cloud on this machine, where the client of AWS takes five times as long over a request as the service.

A run of 10,000 children leaves 20,000 small objects: fetched by the client they took longer than the run's last step.
"""

from typing import TYPE_CHECKING, Any, BinaryIO, cast

import urllib3
from botocore.response import StreamingBody
from urllib3.exceptions import HTTPError

from fanout.s3 import Objects, S3Uri

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

FOUND = 200
URL_SECONDS = 600  # that a URL is good for
ANSWER_SECONDS = 60  # of silence; the client of AWS waits as long


class NearObjects(Objects):
    """Whole objects are got by presigned URLs; whatever does not simply succeed is asked again in the usual way."""

    def __init__(self, client: "S3Client", *, connections: int) -> None:
        super().__init__(client)
        self._pool = urllib3.PoolManager(maxsize=connections, retries=False, timeout=ANSWER_SECONDS)

    def open(self, uri: S3Uri, **conditions: Any) -> BinaryIO:
        """The object's body as a stream. Raises UriError if it is absent."""
        if conditions or "/." in uri.key:  # urllib3 takes such a part for a way through folders
            return super().open(uri, **conditions)
        place = {"Bucket": uri.bucket, "Key": uri.key}
        url = self.client.generate_presigned_url("get_object", Params=place, ExpiresIn=URL_SECONDS)
        try:
            answer = self._pool.request("GET", url, preload_content=False, decode_content=False)
        except HTTPError:
            return super().open(uri)
        if answer.status != FOUND:
            answer.drain_conn()
            return super().open(uri)
        size: Any = answer.headers.get("Content-Length")  # None of one in chunks
        return cast("BinaryIO", StreamingBody(cast("BinaryIO", answer), size))  # breaks off as the client's do

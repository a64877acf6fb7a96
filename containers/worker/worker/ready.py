"""What a server that forks jobs imports before it forks; nothing else imports it.

Making a client and sending its first request cost a child about 15 ms of processor time, more than the work of most
children. Made here, client, endpoint and signer are there when a child begins; a request of each kind that children
send is made and signed a few times, and answered here in place of the network. No connection is opened.
"""

import encodings.idna  # noqa: F401 - the first connection of a process looks it up
import io
from typing import Any

from botocore.awsrequest import AWSResponse
from urllib3 import HTTPResponse

from worker.command import parser
from worker.services import services

TIMES = 4  # the interpreter adapts a function's code to what it works on when it runs the second time
ETAG = '"0123456789abcdef0123456789abcdef"'
BODIES = {"s3": b"", "dynamodb": b"{}"}  # of an answer that says no more than that all is well


def rehearse(client: Any, *requests: tuple[str, dict[str, Any]]) -> None:
    """Makes the requests, each an operation and its parameters, so that no child is the first to make one."""
    content = BODIES[client.meta.service_model.service_name]

    def answer(request: Any, **_: Any) -> AWSResponse:
        headers: Any = {"ETag": ETAG, "Content-Length": str(len(content))}
        body = HTTPResponse(body=io.BytesIO(content), headers=headers, status=200, preload_content=False)
        return AWSResponse(request.url, 200, headers, body)

    client.meta.events.register("before-send", answer)
    for _ in range(TIMES):
        for operation, parameters in requests:
            reply = getattr(client, operation)(**parameters)
            if "Body" in reply:
                reply["Body"].read()
    client.meta.events.unregister("before-send", answer)


place = {"Bucket": "none", "Key": "none/none"}
rehearse(
    services.objects.client,
    ("put_object", place | {"Body": b"{}", "ContentType": "application/json", "Metadata": {}}),
    ("put_object", place | {"Body": b"{}", "ChecksumSHA256": "RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o="}),
    ("get_object", place | {"Range": "bytes=0-1"}),
    ("get_object", place | {"IfMatch": ETAG}),
)
row = {"run": {"S": "none"}, "place": {"N": "0"}}
rehearse(
    services.dynamodb,
    (
        "put_item",
        {
            "TableName": "none",
            "Item": row,
            "ConditionExpression": "attribute_not_exists(#run) OR #digest = :digest",
            "ExpressionAttributeNames": {"#run": "run", "#digest": "digest"},
            "ExpressionAttributeValues": {":digest": {"S": "none"}},
        },
    ),
)
for _ in range(TIMES):
    parser().parse_args(
        ["statistics", "-i", "none", "-o", "none", "-p", "none", "-s", "none", "-c", "no", "-r", "none"]
    )

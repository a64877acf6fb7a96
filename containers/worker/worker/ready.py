"""What a server that forks jobs imports before it forks; nothing else imports it.

Making a client and sending its first request cost a child about 15 ms of processor time, more than the work of most
children. Made here, client, endpoint and signer are there when a child begins. No connection is opened.
"""

import encodings.idna  # noqa: F401 - the first connection of a process looks it up

from worker.command import parser
from worker.services import services

for operation in ("put_object", "get_object"):
    services.objects.client.generate_presigned_url(operation, Params={"Bucket": "none", "Key": "none"})
services.dynamodb.generate_presigned_url("put_item", Params={"TableName": "none", "Item": {}})
parser().parse_args(["clean"])

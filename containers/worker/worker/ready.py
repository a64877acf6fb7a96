"""What a server that forks jobs imports before it forks; nothing else imports it.

Making a client and sending its first request cost a child about 15 ms of processor time, more than the work of most
children. Made here, client, endpoint and signer are there when a child begins. No connection is opened.
"""

import encodings.idna  # noqa: F401 - the first connection of a process looks it up

from worker.services import services

services.objects.client.generate_presigned_url("put_object", Params={"Bucket": "none", "Key": "none"})
assert services.dynamodb

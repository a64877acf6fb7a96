"""What CloudFormation deploys with on this machine: templates from texts and buckets, stacks from templates."""

import re
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from localcloud.clients import Clients
from localcloud.deploy.deployer import deploy
from localcloud.deploy.intrinsics import Scope
from localcloud.deploy.order import included
from localcloud.deploy.registry import Place
from localcloud.deploy.stack import Stack, Step
from localcloud.deploy.template import Template, expand
from localcloud.errors import ApiError


class StackEngine:
    """``place`` gives where a stack of a name is built; ``root`` is where local paths of templates begin."""

    def __init__(
        self, place: Callable[[str], Place], clients: Clients, root: Path, now: Callable[[], datetime]
    ) -> None:
        self._place = place
        self._clients = clients
        self._root = root
        self._now = now

    def stack_arn(self, name: str) -> str:
        """The same in every run, also of a stack that was deleted and is created again."""
        place = self._place(name)
        identity = uuid.uuid5(uuid.NAMESPACE_URL, f"{place.account}/{place.region}/{name}")
        return place.arn("cloudformation", f"stack/{name}/{identity}")

    def fetch(self, bucket: str, key: str) -> str:
        try:
            body = self._clients.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        except ClientError as error:
            why = error.response["Error"].get("Message", "")
            raise ApiError(400, "ValidationError", f"S3 error for s3://{bucket}/{key}: {why}") from error
        return bytes(body).decode()

    def read(self, text: str, parameters: Mapping[str, str]) -> Template:
        """A template's text, URLs of objects in this cloud as AWS writes them: `sam delete` takes no others."""
        port = self._clients.endpoint_url.rpartition(":")[2]
        ours = rf"http://(127\.0\.0\.1|localhost):{port}/"
        text = re.sub(ours, f"https://s3.{self._clients.region}.amazonaws.com/", text)
        return expand(text, root=self._root, region=self._clients.region, parameters=parameters)

    def resources(self, template: Template, name: str) -> Mapping[str, Any]:
        """Those whose conditions hold."""
        place = self._place(name)
        pseudo = {"AWS::AccountId": place.account, "AWS::Region": place.region, "AWS::StackName": name}
        scope = Scope(
            parameters=dict(template.parameters) | pseudo | {"AWS::Partition": "aws"},
            mappings=template.mappings,
            conditions=template.conditions,
            ref=_nothing,
            attribute=_nothing,
        )
        return included(template.resources, scope)

    def build(
        self,
        template: Template,
        name: str,
        *,
        before: Stack | None = None,
        note: Callable[[Step], None] = lambda _: None,
    ) -> Stack:
        """Create the template's resources as the stack ``name``, or make ``before`` into it."""
        arn = self.stack_arn(name)
        return deploy(template, self._place(name), stack_arn=arn, now=self._now, before=before, note=note)


def _nothing(name: str, *_: str) -> Any:
    """Conditions know parameters only."""
    raise KeyError(name)

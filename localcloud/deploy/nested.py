"""Where the template of a nested stack comes from: beside its parent's, or from a bucket that `sam deploy` filled."""

from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

from localcloud.deploy.registry import Declaration
from localcloud.deploy.template import Template, expand, read_template
from localcloud.errors import DeployError


def nested_template(this: Declaration, location: str, parameters: Mapping[str, str]) -> Template:
    """The template at ``location``, ready to deploy; DeployError or TemplateError says what is wrong with it."""
    bucket, key = _object(this, location)
    path = this.template.local_path(bucket, key)
    if path is not None:
        return read_template(path, region=this.place.region, parameters=parameters)
    return expand(
        _body(this, location, bucket, key), root=this.template.root, region=this.place.region, parameters=parameters
    )


def _body(this: Declaration, location: str, bucket: str, key: str) -> str:
    """CloudFormation keeps what it has deployed: a stack is rolled back although its packages were deleted."""
    kept = this.place.templates
    try:
        kept[location] = this.call("s3", "get_object", Bucket=bucket, Key=key)["Body"].read().decode()
    except DeployError:
        if location not in kept:
            raise
    return kept[location]


def _object(this: Declaration, location: str) -> tuple[str, str]:
    """Bucket and key of ``s3://bucket/key``, ``https://s3.region.amazonaws.com/bucket/key`` or the bucket as a host."""
    url = urlsplit(location)
    host, path = url.netloc, url.path.lstrip("/")
    if url.scheme in ("http", "https"):
        bucket, dot, _ = host.partition(".s3")
        if dot and host.endswith((".amazonaws.com", ".amazonaws.com.cn")):
            return bucket, unquote(path)
        host, _, path = path.partition("/")
    if not host or not path or url.scheme not in ("s3", "http", "https"):
        raise this.error(f"{location!r} names no template", prop="TemplateURL")
    return host, unquote(path) if url.scheme != "s3" else path

"""S3 requests as IAM sees them. Pure."""

from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import unquote

from localcloud.access.policies import Ask
from localcloud.calls import Call
from localcloud.objects.request import locate

# (method, parameter that names the sub-resource) → action; the first whose parameter is there, plain ones last
_OBJECT: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "GET": (
        ("uploadId", "s3:ListMultipartUploadParts"),
        ("tagging", "s3:GetObjectTagging"),
        ("acl", "s3:GetObjectAcl"),
        ("versionId", "s3:GetObjectVersion"),
        ("", "s3:GetObject"),
    ),
    "HEAD": (("versionId", "s3:GetObjectVersion"), ("", "s3:GetObject")),
    "PUT": (
        ("uploadId", "s3:PutObject"),
        ("tagging", "s3:PutObjectTagging"),
        ("acl", "s3:PutObjectAcl"),
        ("", "s3:PutObject"),
    ),
    "POST": (("uploads", "s3:PutObject"), ("uploadId", "s3:PutObject")),
    "DELETE": (
        ("uploadId", "s3:AbortMultipartUpload"),
        ("tagging", "s3:DeleteObjectTagging"),
        ("versionId", "s3:DeleteObjectVersion"),
        ("", "s3:DeleteObject"),
    ),
}
_BUCKET: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "GET": (
        ("uploads", "s3:ListBucketMultipartUploads"),
        ("versions", "s3:ListBucketVersions"),
        ("location", "s3:GetBucketLocation"),
        ("versioning", "s3:GetBucketVersioning"),
        ("policy", "s3:GetBucketPolicy"),
        ("tagging", "s3:GetBucketTagging"),
        ("", "s3:ListBucket"),
    ),
    "HEAD": (("", "s3:ListBucket"),),
    "PUT": (("policy", "s3:PutBucketPolicy"), ("versioning", "s3:PutBucketVersioning"), ("", "s3:CreateBucket")),
    "DELETE": (("policy", "s3:DeleteBucketPolicy"), ("", "s3:DeleteBucket")),
}
_LISTING: Final = ("prefix", "delimiter", "max-keys")
_PLAIN: Final = frozenset(
    {"x-id", "list-type", "partNumber", "continuation-token", "start-after", "fetch-owner", "encoding-type", "marker"}
    | {"key-marker", "version-id-marker", "upload-id-marker", "max-uploads", "max-parts", "part-number-marker"}
    | {"versionId", *_LISTING}
)  # parameters that change nothing about what is asked for


def asks(call: Call) -> list[Ask] | None:
    """What the request needs leave for; None if it is no request that this map knows.

    DeleteObjects is judged key by key, see :func:`deletion`.
    """
    bucket, key = locate(call.environ)
    if not bucket:
        return [Ask(action="s3:ListAllMyBuckets")] if call.method == "GET" else None
    query = call.query if call.environ["QUERY_STRING"] else {}
    if not key:
        return _bucket_asks(call.method, bucket, query)
    action = _action(_OBJECT, call.method, query)
    if action is None:
        return None
    return [Ask(action=action, resource=f"arn:aws:s3:::{bucket}/{key}"), *_further(call, bucket, key, query)]


def deletion(bucket: str, key: str, version: str) -> Ask:
    """One key of DeleteObjects."""
    action = "s3:DeleteObjectVersion" if version else "s3:DeleteObject"
    return Ask(action=action, resource=f"arn:aws:s3:::{bucket}/{key}")


def listing(bucket: str, **keys: str) -> Ask:
    """To list a bucket, and to be told that an object does not exist."""
    context = {f"s3:{name.replace('_', '-')}": value for name, value in keys.items()}
    return Ask(action="s3:ListBucket", resource=f"arn:aws:s3:::{bucket}", context=context)


def _bucket_asks(method: str, bucket: str, query: Mapping[str, list[str]]) -> list[Ask] | None:
    if method == "POST" and "delete" in query:
        return []
    action = _action(_BUCKET, method, query)
    if action is None:
        return None
    context = {f"s3:{name}": query[name][0] for name in _LISTING if name in query}
    return [Ask(action=action, resource=f"arn:aws:s3:::{bucket}", context=context)]


def _action(
    table: Mapping[str, tuple[tuple[str, str], ...]], method: str, query: Mapping[str, list[str]]
) -> str | None:
    for parameter, action in table.get(method, ()):
        if parameter in query or (not parameter and not any(_names(name) for name in query)):
            return action
    return None


def _names(parameter: str) -> bool:
    """Whether a parameter names a sub-resource, known here or not."""
    return parameter not in _PLAIN and not parameter.lower().startswith(("x-amz-", "response-"))


def _further(call: Call, bucket: str, key: str, query: Mapping[str, list[str]]) -> Iterator[Ask]:
    """What a write needs besides: its source is read, its tags and its access list are set."""
    if call.method not in ("PUT", "POST") or "tagging" in query or "acl" in query:
        return
    source = call.header("x-amz-copy-source")
    if source:
        path, _, version = source.partition("?versionId=")
        action = "s3:GetObjectVersion" if version else "s3:GetObject"
        yield Ask(action=action, resource=f"arn:aws:s3:::{unquote(path).removeprefix('/')}")
    if call.header("x-amz-tagging"):
        yield Ask(action="s3:PutObjectTagging", resource=f"arn:aws:s3:::{bucket}/{key}")
    if call.header("x-amz-acl"):
        yield Ask(action="s3:PutObjectAcl", resource=f"arn:aws:s3:::{bucket}/{key}")

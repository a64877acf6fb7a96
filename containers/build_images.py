"""Have CodeBuild build an image of this directory, unless the repository has it already. Answers CloudFormation.

The function's zip is this directory, so it has what every image is made of, and `fanout` is its layer. An image's tag
is the digest of its build context: the same files are built once, whatever is deployed how often.
"""

import hashlib
import io
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError

import fanout
from fanout.customresource import Answer, Request, document, respond

IMAGES = Path(__file__).resolve().parent
FANOUT = Path(fanout.__file__).resolve().parent
NOT_SOURCE = frozenset({"__pycache__", ".venv", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".gitignore"})
EPOCH = (1980, 1, 1, 0, 0, 0)  # a zip's earliest time


def handler(event: dict[str, Any], context: object) -> None:  # noqa: ARG001 Lambda calls every handler with one
    """A CloudFormation request with ``Image``, ``RepositoryUri``, ``Project`` and ``SourcesBucket``."""
    respond(event, build)


def build(request: Request) -> Answer | None:
    """Answers at once if the image is there or nothing is to be done; else the end of the build will answer."""
    if request["RequestType"] == "Delete":
        return Answer(succeeded=True)  # its repository goes with all that is in it
    wanted = request["ResourceProperties"]
    files = context_files(IMAGES / wanted["Image"], FANOUT)
    tag = digest(files)
    uri = f"{wanted['RepositoryUri']}:{tag}"
    if in_repository(wanted["RepositoryUri"], tag):
        return Answer(succeeded=True, data={"ImageUri": uri})
    key = f"{wanted['Image']}/{tag}.zip"
    boto3.client("s3").put_object(Bucket=wanted["SourcesBucket"], Key=key, Body=archive(files))
    environment = [{"name": name, "value": value} for name, value in variables(request, uri).items()]
    boto3.client("codebuild").start_build(
        projectName=wanted["Project"],
        sourceTypeOverride="S3",
        sourceLocationOverride=f"{wanted['SourcesBucket']}/{key}",
        environmentVariablesOverride=environment,
        idempotencyToken=request["RequestId"],  # Lambda may deliver a request twice
    )
    return None


def variables(request: Request, uri: str) -> dict[str, str]:
    """What the build gets to know, and what its end needs for an answer (functions/conclude_build.py)."""
    return {
        "IMAGE_URI": uri,
        "CFN_RESPONSE_URL": request["ResponseURL"],
        "CFN_STACK_ID": request["StackId"],
        "CFN_REQUEST_ID": request["RequestId"],
        "CFN_LOGICAL_ID": request["LogicalResourceId"],
        "CFN_PHYSICAL_ID": document(request, Answer(succeeded=True))["PhysicalResourceId"],
    }


def context_files(image: Path, shared: Path) -> dict[str, bytes]:
    """The build context: the image's directory, with the package ``fanout`` in it. Raises FileNotFoundError."""
    if not (image / "Dockerfile").is_file():
        raise FileNotFoundError(f"there is no image {image.name!r}: {image / 'Dockerfile'} does not exist")
    files = {str(path.relative_to(image)): path.read_bytes() for path in _sources(image)}
    return files | {f"fanout/{path.relative_to(shared)}": path.read_bytes() for path in _sources(shared)}


def _sources(directory: Path) -> Iterator[Path]:
    for folder, folders, names in directory.walk():
        folders[:] = [name for name in folders if name not in NOT_SOURCE]
        yield from (folder / name for name in names if name not in NOT_SOURCE and not name.endswith(".pyc"))


def digest(files: Mapping[str, bytes]) -> str:
    """Of names and contents, whatever the order, times and owners."""
    whole = hashlib.sha256()
    for name in sorted(files):
        whole.update(f"{len(name.encode())}:{name}{len(files[name])}:".encode())
        whole.update(files[name])
    return whole.hexdigest()[:32]


def archive(files: Mapping[str, bytes]) -> bytes:
    """A zip of ``files``, the same bytes for the same files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, date_time=EPOCH)
            entry.external_attr = 0o644 << 16  # or an image of another user than root cannot read it
            packed.writestr(entry, files[name])
    return buffer.getvalue()


def in_repository(uri: str, tag: str) -> bool:
    try:
        name = uri.partition("/")[2]
        boto3.client("ecr").describe_images(repositoryName=name, imageIds=[{"imageTag": tag}])
    except ClientError as error:
        if error.response["Error"]["Code"] == "ImageNotFoundException":
            return False
        raise
    return True

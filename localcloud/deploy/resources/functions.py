"""Lambda functions and layers. Code runs from the template's directories; the API holds a zip of the same files."""

import hashlib
import io
import re
import sys
import zipfile
from base64 import b64encode
from collections import Counter
from pathlib import Path
from typing import Any

from localcloud.deploy.registry import Declaration, creates
from localcloud.deploy.stack import Created, physical_name
from localcloud.functions.sources import code_files
from localcloud.mounts import Mount, of_function

RUNTIME = f"python{sys.version_info.major}.{sys.version_info.minor}"
_MOUNT_PATH = re.compile(r"/mnt/[a-zA-Z0-9_.-]+")
_LIMIT = 250 << 20  # unzipped size of a function with its layers


@creates("AWS::Lambda::Function")
def function(this: Declaration) -> Created:
    name = this.name("FunctionName", limit=64)
    code, parameters, reserved = _prepared(this, name)
    made = this.call(
        "lambda", "create_function", FunctionName=name, Code={"ZipFile": code}, Tags=this.tags() or None, **parameters
    )
    _reserve(this, name, reserved)
    return Created(physical_id=name, attributes={"Arn": made["FunctionArn"]})


def change(this: Declaration, created: Created) -> Created:
    """A function's new code and configuration; its versions and aliases stay."""
    name = this.name("FunctionName", limit=64)
    code, parameters, reserved = _prepared(this, name)
    this.tags()
    for fixed in ("PackageType", "Architectures", "Publish"):
        parameters.pop(fixed, None)
    this.call("lambda", "update_function_code", FunctionName=name, ZipFile=code)
    this.call("lambda", "update_function_configuration", FunctionName=name, **parameters)
    _reserve(this, name, reserved)
    return created


def _reserve(this: Declaration, name: str, reserved: Any) -> None:
    if reserved is not None:
        this.call("lambda", "put_function_concurrency", FunctionName=name, ReservedConcurrentExecutions=int(reserved))


def _prepared(this: Declaration, name: str) -> tuple[bytes, dict[str, Any], Any]:
    """Code, parameters of the API and reserved concurrency of a function."""
    runtime = this.properties.get("Runtime")
    if runtime != RUNTIME:
        raise this.error(f"is {runtime!r}; functions run here with localcloud's own {RUNTIME}", prop="Runtime")
    code = _code(this, this.need("Code"), "Code")
    this.without_effect("SnapStart", "RuntimeManagementConfig", "ReservedConcurrentExecutions", "Tags", "VpcConfig")
    mounts = _mounts(this)
    reserved = this.take("ReservedConcurrentExecutions")
    skip = ("FunctionName", "Code", "SnapStart", "RuntimeManagementConfig", "ReservedConcurrentExecutions", "Tags")
    parameters = this.as_parameters("lambda", "CreateFunction", skip=(*skip, "VpcConfig", "FileSystemConfigs"))
    this.place.use_mounts(name, mounts)
    return code, parameters, reserved


@creates("AWS::Lambda::LayerVersion")
def layer_version(this: Declaration) -> Created:
    name = str(this.take("LayerName") or physical_name(this.prefix, this.logical_id, limit=140))
    content = _code(this, this.need("Content"), "Content")
    parameters = this.as_parameters("lambda", "PublishLayerVersion", skip=("LayerName", "Content"))
    made = this.call("lambda", "publish_layer_version", LayerName=name, Content={"ZipFile": content}, **parameters)
    arn = made["LayerVersionArn"]
    return Created(physical_id=arn, attributes={"LayerVersionArn": arn})


@creates("AWS::Lambda::Version")
def version(this: Declaration) -> Created:
    name = this.need("FunctionName")
    this.without_effect("ProvisionedConcurrencyConfig", "RuntimePolicy", "CodeSha256", "FunctionScalingConfig")
    made = this.call("lambda", "publish_version", FunctionName=name, Description=this.take("Description"))
    arn = f"{made['FunctionArn'].removesuffix(':' + made['Version'])}:{made['Version']}"
    return Created(physical_id=arn, attributes={"Version": made["Version"], "FunctionArn": arn})


@creates("AWS::Lambda::Alias")
def alias(this: Declaration) -> Created:
    this.without_effect("ProvisionedConcurrencyConfig")
    made = this.call(
        "lambda",
        "create_alias",
        FunctionName=this.need("FunctionName"),
        Name=this.need("Name"),
        FunctionVersion=this.need("FunctionVersion"),
        Description=this.take("Description"),
    )
    return Created(physical_id=made["AliasArn"], attributes={"AliasArn": made["AliasArn"]})


@creates("AWS::Lambda::Permission")
def permission(this: Declaration) -> Created:
    statement = f"{this.prefix}-{this.logical_id}"
    parameters = this.as_parameters("lambda", "AddPermission", skip=("InvokedViaFunctionUrl",))
    this.without_effect("InvokedViaFunctionUrl")
    this.call("lambda", "add_permission", StatementId=statement, **parameters)
    return Created(physical_id=statement, attributes={"Id": statement})


def _mounts(this: Declaration) -> tuple[Mount, ...]:
    configurations = this.take("FileSystemConfigs") or []
    for each in configurations:
        if set(each) != {"Arn", "LocalMountPath"} or not _MOUNT_PATH.fullmatch(str(each["LocalMountPath"])):
            problem = f"needs Arn and LocalMountPath, which is /mnt/ and a name: {each}"
            raise this.error(problem, prop="FileSystemConfigs")
    if configurations and not this.properties.get("VpcConfig"):
        raise this.error("needs VpcConfig: a function outside a VPC mounts nothing", prop="FileSystemConfigs")
    return of_function(configurations)


def _code(this: Declaration, location: dict[str, Any], prop: str) -> bytes:
    """A zip for the API; the directory behind it is where workers run."""
    if "ZipFile" in location:
        return zip_files({"index.py": str(location["ZipFile"]).encode()})
    bucket, key = location.get("S3Bucket"), location.get("S3Key")
    if not bucket or not key:
        raise this.error(f"names no code that runs here: {location}; images of functions are not emulated", prop=prop)
    directory = this.template.local_path(bucket, key)
    if directory is None:
        data: bytes = this.call("s3", "get_object", Bucket=bucket, Key=key)["Body"].read()
        return data
    if not directory.is_dir():
        return directory.read_bytes()
    content = zip_files(_files(directory))
    this.place.use_code(b64encode(hashlib.sha256(content).digest()).decode(), directory)
    return content


def _files(directory: Path) -> dict[str, bytes]:
    sizes = {path.relative_to(directory): path.stat().st_size for path in sorted(code_files(directory))}
    if (size := sum(sizes.values())) > _LIMIT:
        raise ValueError(
            f"{directory} holds {size >> 20} MB, most of it in {_largest(sizes)}; a function and its layers may have "
            "250 MB. `sam build` would copy it too"
        )
    return {str(path): (directory / path).read_bytes() for path in sizes}


def _largest(sizes: dict[Path, int]) -> str:
    """The folder or file, two levels deep at most, that most of the bytes are in."""
    parts: Counter[str] = Counter()
    for path, size in sizes.items():
        parts["/".join(path.parts[:2])] += size
    [(part, _)] = parts.most_common(1)
    return part


def zip_files(files: dict[str, bytes]) -> bytes:
    """The same bytes for the same files, whenever they were written."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0)), content)
    return buffer.getvalue()

"""A function's configuration, and the environment that its workers get. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from localcloud.mounts import Mount


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionConfiguration:
    """One published version of a function, or $LATEST."""

    name: str
    version: str
    arn: str  # of this version
    handler: str
    role: str
    code: Path
    layers: tuple[Path, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    timeout: int = 3  # seconds
    memory: int = 128  # MB; reported, not enforced
    reserved_concurrency: int | None = None
    mounts: tuple[Mount, ...] = ()
    log_group: str = ""
    log_format: str = "Text"
    revision: str = ""  # changes whenever code or configuration does


def worker_environment(
    function: FunctionConfiguration,
    *,
    inherited: Mapping[str, str],
    credentials: Mapping[str, str],
    endpoint_url: str,
    region: str,
    runtime_api: str,
    log_stream: str,
    scratch: Path,
) -> dict[str, str]:
    """The variables of AWS's Python runtime, the function's own, and where the local cloud is.

    Of the developer's environment only PATH and LANG pass: a function must not work here because of a variable that it
    will not have on AWS.
    """
    own = {name: inherited[name] for name in ("PATH", "LANG") if name in inherited}
    return {
        **own,
        **function.environment,
        **credentials,
        "TZ": ":UTC",
        "HOME": str(scratch),
        "TMPDIR": str(scratch),
        "PYTHONPATH": ":".join(map(str, search_path(function.code, function.layers))),
        "LAMBDA_TASK_ROOT": str(function.code),
        "_HANDLER": function.handler,
        "AWS_LAMBDA_RUNTIME_API": runtime_api,
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": function.version,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory),
        "AWS_LAMBDA_LOG_GROUP_NAME": function.log_group,
        "AWS_LAMBDA_LOG_STREAM_NAME": log_stream,
        "AWS_LAMBDA_LOG_FORMAT": function.log_format,
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
    }


def search_path(code: Path, layers: Sequence[Path]) -> list[Path]:
    """Where modules are found: the code, then each layer's ``python`` directory or, unbuilt, the layer's own."""
    return [code, *(layer / "python" if (layer / "python").is_dir() else layer for layer in layers)]

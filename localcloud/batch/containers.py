"""Attempts in containers of their own, by Docker or Podman: the engine's command line. Pure."""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from localcloud.batch.jobs import Resources
from localcloud.errors import LocalCloudError

REMOVAL = Path(__file__).with_name("removal.py")  # the program that removes a container and tells why it ended
CPU_SHARES = 1024  # of one vCPU, as ECS sets them: a share of a busy machine, not a limit


def run_command(
    name: str,
    reference: str,
    *,
    properties: Mapping[str, Any],
    resources: Resources,
    variables: Mapping[str, str],
    private: Collection[str],
    directories: Mapping[str, str],
    owner: str,
) -> tuple[str, ...]:
    """``run`` and everything before the job's own arguments.

    ``properties``: the definition's containerProperties. ``variables``: the container's environment; the engine is
    given the same one, so that no value shows in a list of processes, except where the engine needs a variable for
    itself (``private``). ``directories``: what stands for the shared file systems, by the path where they are mounted.
    ``owner``: whose these are, "uid:gid". A container that mounts one runs as its owner, as by an access point.
    Raises LocalCloudError for what cannot be had here.
    """
    return (
        "run",
        f"--name={name}",
        "--network=host",  # the local cloud listens on 127.0.0.1 only
        "--pull=never",
        f"--memory={resources.memory}m",
        f"--cpu-shares={resources.cpu * CPU_SHARES // 1000}",
        *(f"--env={each}={value}" if each in private else f"--env={each}" for each, value in sorted(variables.items())),
        *_privileges(properties, owner if directories else properties.get("user")),
        *_volumes(properties, directories),
        *_linux(properties.get("linuxParameters") or {}),
        *(f"--ulimit={each['name']}={each['softLimit']}:{each['hardLimit']}" for each in _list(properties, "ulimits")),
        reference,
    )


def _privileges(properties: Mapping[str, Any], user: str | None) -> Iterator[str]:
    if properties.get("privileged"):
        raise LocalCloudError("the definition asks for a privileged container, which the local cloud does not run")
    if properties.get("readonlyRootFilesystem"):
        yield "--read-only"
    if user:
        yield f"--user={user}"


def _volumes(properties: Mapping[str, Any], directories: Mapping[str, str]) -> Iterator[str]:
    """EFS is its directory, a host path is that path, a volume with neither is an empty one of the container's own."""
    hosts = {volume["name"]: (volume.get("host") or {}).get("sourcePath") for volume in _list(properties, "volumes")}
    for point in _list(properties, "mountPoints"):
        path = point["containerPath"]
        source = directories.get(path.rstrip("/")) or hosts[point["sourceVolume"]]
        mode = ":ro" if point.get("readOnly") else ""
        yield f"--volume={source}:{path}{mode}" if source else f"--volume={path}"


def _linux(parameters: Mapping[str, Any]) -> Iterator[str]:
    if parameters.get("devices"):
        raise LocalCloudError("the definition asks for devices of its host, which the local cloud does not give")
    if parameters.get("initProcessEnabled"):
        yield "--init"
    if parameters.get("sharedMemorySize"):
        yield f"--shm-size={parameters['sharedMemorySize']}m"
    for each in _list(parameters, "tmpfs"):
        options = ",".join([f"size={each['size']}m", *_list(each, "mountOptions")])
        yield f"--tmpfs={each['containerPath']}:{options}"


def _list(document: Mapping[str, Any], name: str) -> Any:
    return document.get(name) or ()

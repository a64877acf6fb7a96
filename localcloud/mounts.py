"""Shared file systems, which on this machine are directories. Pure.

A process here cannot mount anything. So what a container or function is told of a mounted path in its environment is
told of the directory instead: code that reads ``SHARED_DIRECTORY=/mnt/records`` finds its files, code that has the path
in its source does not.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A shared file system as a process sees it."""

    path: str  # where it is mounted, without a slash at its end
    file_system: str  # id of the access point, else of the file system
    read_only: bool = False
    authorized: bool = True  # whether IAM decides who may mount it

    def directory(self, root: Path) -> Path:
        """What stands for it; the same for every process that mounts it."""
        return root / self.file_system


def of_function(configurations: Iterable[Mapping[str, str]]) -> tuple[Mount, ...]:
    """From a function's ``FileSystemConfigs``."""
    return tuple(_mount(each["LocalMountPath"], each["Arn"]) for each in configurations)


def of_container(properties: Mapping[str, Any]) -> tuple[Mount, ...]:
    """From the ``volumes`` and ``mountPoints`` of a job definition's container, those that are EFS's."""
    shared = {volume["name"]: volume["efsVolumeConfiguration"] for volume in _listed(properties, "volumes")
              if volume.get("efsVolumeConfiguration")}  # fmt: skip
    points = [point for point in _listed(properties, "mountPoints") if point.get("sourceVolume") in shared]
    return tuple(_container_mount(point, shared[point["sourceVolume"]]) for point in points)


def relocated(environment: Mapping[str, str], mounts: Sequence[Mount], root: Path) -> dict[str, str]:
    """The environment with every value that is a mounted path, or begins with one, led to its directory."""
    return {name: _relocated(value, mounts, root) for name, value in environment.items()}


def _relocated(value: str, mounts: Sequence[Mount], root: Path) -> str:
    found = [mount for mount in mounts if value == mount.path or value.startswith(f"{mount.path}/")]
    if not found:
        return value
    innermost = max(found, key=lambda mount: len(mount.path))
    return f"{innermost.directory(root)}{value[len(innermost.path) :]}"


def _mount(path: str, file_system: str) -> Mount:
    return Mount(path=path.rstrip("/"), file_system=file_system.rpartition("/")[2])


def _container_mount(point: Mapping[str, Any], volume: Mapping[str, Any]) -> Mount:
    authorization = volume.get("authorizationConfig") or {}
    return replace(
        _mount(point["containerPath"], str(authorization.get("accessPointId") or volume["fileSystemId"])),
        read_only=bool(point.get("readOnly")),
        authorized=authorization.get("iam") == "ENABLED",
    )


def _listed(properties: Mapping[str, Any], name: str) -> Sequence[Mapping[str, Any]]:
    return properties.get(name) or ()

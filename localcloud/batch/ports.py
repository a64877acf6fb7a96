"""What the batch room needs from the rest of the local cloud."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from localcloud.mounts import Mount

type Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """How a container image runs on this machine.

    ``package`` is the Python package that ``argv_prefix`` runs as ``python -m package``; None for an image that is no
    Python package, whose command is then executed as it stands after ``argv_prefix``. With a ``reference`` the image
    runs as what it is, in a container: ``argv_prefix`` is then the engine, Docker or Podman.
    """

    package: str | None
    argv_prefix: tuple[str, ...]
    pythonpath: tuple[Path, ...] = ()
    reference: str | None = None


class Catalogue(Protocol):
    """Job definitions and queues in the shapes of DescribeJobDefinitions and DescribeJobQueues."""

    def job_definition(self, name_or_arn: str) -> Document | None:
        """The definition named ``name``, ``name:revision`` or by ARN; without a revision the latest active one."""
        ...

    def queue(self, name_or_arn: str) -> Document | None:
        """The queue named by name or ARN.

        Each entry of its ``computeEnvironmentOrder`` also carries ``detail``: the environment as
        DescribeComputeEnvironments returns it.
        """
        ...


class Images(Protocol):
    """Finds the program behind an image name."""

    def command(self, image: str) -> Image:
        """Raises LookupError, saying what is missing, when the image cannot run here."""
        ...


class Credentials(Protocol):
    """Environment variables that make a process act in a role."""

    def __call__(self, role_arn: str | None, session_name: str) -> Mapping[str, str]: ...


class MayMount(Protocol):
    """Asked before a container mounts shared file systems in a role; raises LookupError, saying what is not allowed."""

    def __call__(self, role_arn: str | None, mounts: Sequence[Mount], /) -> None: ...


class Logs(Protocol):
    """CloudWatch Logs: appends events, creating group and stream when they are not there; no events: only creates."""

    def append(self, group: str, stream: str, events: Sequence[tuple[int, str]]) -> None:
        """``events``: (milliseconds since 1970, message without its newline), oldest first."""
        ...

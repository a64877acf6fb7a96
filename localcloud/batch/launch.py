"""What an attempt's process is given: command line, environment, directory, log stream. Pure."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from localcloud.batch import containers
from localcloud.batch.commands import Start
from localcloud.batch.jobs import log_group, log_stream, task_id
from localcloud.batch.ports import Image
from localcloud.mounts import Mount, of_container, relocated

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """One attempt, ready to run."""

    job_id: str
    attempt: int
    image: Image
    role: str | None
    argv: tuple[str, ...]
    arguments: tuple[str, ...]  # those that the job gives, the last of argv
    shared: Mapping[str, str]  # environment that does not depend on the attempt
    credentials: Mapping[str, str]  # of the role
    own: Mapping[str, str]  # environment of this attempt only
    directory: Path  # made for the attempt and removed after it
    log_group: str
    log_stream: str
    afterwards: tuple[str, ...] = ()  # run when the process has ended; it prints the reason, if it knows one

    @property
    def environment(self) -> dict[str, str]:
        """All that the process is given."""
        return {**self.shared, **self.credentials, **self.own}


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """What is the same for every process on this machine."""

    path: str  # PATH
    endpoint_url: str
    region: str
    root: Path  # working directories are made below it
    file_systems: Path  # each shared file system is a directory below it
    engine: Mapping[str, str] = field(default_factory=dict)  # environment of Docker or Podman, when images run in them

    def base_environment(self) -> dict[str, str]:
        """What a container finds without anyone declaring it."""
        return {"PATH": self.path, "LANG": "C.UTF-8", "TZ": "UTC", "PYTHONUNBUFFERED": "1", **ONE_THREAD}


def launch(start: Start, image: Image, credentials: Mapping[str, str], host: Host) -> Launch:
    """``credentials``: the AWS_* variables of the job's role. Raises LocalCloudError for what cannot be had here."""
    job = start.job
    directory = host.root / task_id(job.id, start.attempt)
    base = Launch(
        job_id=job.id,
        attempt=start.attempt,
        image=image,
        role=role_of(start),
        argv=(*image.argv_prefix, *job.spec.command),
        arguments=job.spec.command,
        shared={},
        credentials=credentials,
        own=_batch_variables(start),
        directory=directory,
        log_group=log_group(job.spec),
        log_stream=log_stream(job.spec, job.id, start.attempt),
    )
    if image.reference is not None:
        return _contained(base, start, image.reference, host)
    declared = relocated(job.spec.environment, mounts_of(start), host.file_systems)
    shared = {**host.base_environment(), **declared, **_aws_variables(declared, host)}
    paths = [*map(str, image.pythonpath), *filter(None, [declared.get("PYTHONPATH")])]
    if paths:
        shared["PYTHONPATH"] = ":".join(paths)
    homes = {name: str(directory) for name in ("HOME", "TMPDIR") if name not in declared}
    return replace(base, shared=shared, own={**homes, **base.own})


def _contained(base: Launch, start: Start, reference: str, host: Host) -> Launch:
    """In a container nothing of this machine is seen but the network and what the definition mounts."""
    declared = start.job.spec.environment
    given = {**declared, **_aws_variables(declared, host)}
    engine = base.image.argv_prefix
    name = f"localcloud-{task_id(base.job_id, base.attempt)}"
    mounted = {mount.path: str(mount.directory(host.file_systems)) for mount in mounts_of(start)}
    run = containers.run_command(
        name,
        reference,
        properties=start.job.spec.definition["containerProperties"],
        resources=start.job.spec.resources,
        variables={**given, **base.credentials, **base.own},
        private=host.engine.keys(),
        directories=mounted,
        owner=f"{os.getuid()}:{os.getgid()}",
    )
    return replace(
        base,
        argv=(*engine, *run, *base.arguments),
        shared={**given, **host.engine},
        afterwards=(sys.executable, "-I", str(containers.REMOVAL), *engine, name, str(base.directory)),
    )


def _aws_variables(declared: Mapping[str, str], host: Host) -> dict[str, str]:
    """Whatever was declared: the template's endpoint is empty, meaning the real AWS."""
    regions = {name: declared.get(name) or host.region for name in ("AWS_REGION", "AWS_DEFAULT_REGION")}
    return {**regions, "AWS_ENDPOINT_URL": host.endpoint_url}


def image_of(start: Start) -> str:
    """The image that the definition names."""
    return str(start.job.spec.definition["containerProperties"]["image"])


def role_of(start: Start) -> str | None:
    """The role that the definition gives its containers."""
    return start.job.spec.definition["containerProperties"].get("jobRoleArn") or None


def mounts_of(start: Start) -> tuple[Mount, ...]:
    """The shared file systems that the definition mounts."""
    return of_container(start.job.spec.definition["containerProperties"])


def _batch_variables(start: Start) -> dict[str, str]:
    job = start.job
    variables = {
        "AWS_BATCH_JOB_ID": job.id,
        "AWS_BATCH_JOB_ATTEMPT": str(start.attempt),
        "AWS_BATCH_JQ_NAME": job.spec.queue.name,
        "AWS_BATCH_CE_NAME": start.environment,
    }
    if job.parent and job.parent.array:
        variables["AWS_BATCH_JOB_ARRAY_INDEX"] = str(job.index)
        variables["AWS_BATCH_JOB_ARRAY_SIZE"] = str(len(job.parent.array.children))
    return variables

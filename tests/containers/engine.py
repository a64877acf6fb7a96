"""Docker or Podman, for tests: images and containers that are gone when the tests are."""

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
BASE = "public.ecr.aws/docker/library/python:3.13-slim"
LAMBDA = "public.ecr.aws/lambda/python:3.13-x86_64"
DEBIAN = "trixie"  # whose Python is 3.13
CERTIFICATES = "/etc/ssl/certs"
LONGEST = 1200  # seconds of a build


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """``environment`` is what every command of it needs, also those that others run."""

    name: str
    environment: Mapping[str, str]

    def __call__(self, *arguments: str, check: bool = True, timeout: float = LONGEST) -> str:
        done = subprocess.run(
            [self.name, *arguments],
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        assert not check or done.returncode == 0, f"{self.name} {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout if done.returncode == 0 else ""

    def has(self, image: str) -> bool:
        return bool(self("image", "inspect", image, check=False))

    def build(self, image: str, base: str) -> None:
        """One of the product's images, as its users build it."""
        make = ["make", f"image-{image}", f"ENGINE={self.name}", f"BASE_IMAGE={base}"]
        subprocess.run(make, cwd=ROOT, env={**os.environ, **self.environment}, check=True, timeout=LONGEST)


@contextmanager
def engine(scratch: Path) -> Iterator[Engine]:
    """Docker if its daemon answers, else Podman with a storage of its own below ``scratch``."""
    if shutil.which("docker") and subprocess.run(["docker", "info"], capture_output=True, check=False).returncode == 0:
        yield Engine(name="docker", environment={})
        return
    assert shutil.which("podman"), "neither `docker info` answers nor is there a podman: make container-tools"
    podman = Engine(name="podman", environment=podman_environment(scratch))
    try:
        yield podman
    finally:
        podman("system", "reset", "--force", check=False)


def podman_environment(scratch: Path) -> dict[str, str]:
    """Podman as it works also where the tests are in a container themselves: no namespaces of its own for the network,
    no limits above those of this process, commands of a build with no more than a change of root."""
    nofile, nproc = (resource.getrlimit(kind)[1] for kind in (resource.RLIMIT_NOFILE, resource.RLIMIT_NPROC))
    (scratch / "containers.conf").write_text(
        "[containers]\n"
        'netns = "host"\n'
        f'volumes = ["{CERTIFICATES}:{CERTIFICATES}:ro"]\n'
        f'default_ulimits = ["nofile={limit(nofile)}", "nproc={limit(nproc)}"]\n'
        "[engine]\n"
        'runtime = "runc"\n'
        'events_logger = "file"\n'
        'cgroup_manager = "cgroupfs"\n'
    )
    (scratch / "storage.conf").write_text(
        f'[storage]\ndriver = "overlay"\ngraphroot = "{scratch}/images"\nrunroot = "{scratch}/run"\n'
    )
    return {
        "CONTAINERS_CONF": str(scratch / "containers.conf"),
        "CONTAINERS_STORAGE_CONF": str(scratch / "storage.conf"),
        "BUILDAH_ISOLATION": "chroot",
    }


def limit(most: int) -> str:
    number = min(most, 10_000) if most != resource.RLIM_INFINITY else 10_000
    return f"{number}:{number}"


def provide_base(podman: Engine, scratch: Path) -> str:
    """The base image of every Dockerfile: pulled where a registry can be reached, else made of Debian's packages."""
    if podman.has(BASE) or podman("pull", "--quiet", BASE, check=False, timeout=300):
        return BASE
    assert os.geteuid() == 0, f"{BASE} cannot be pulled, and only root can make a base image with debootstrap"
    assert shutil.which("debootstrap"), f"{BASE} cannot be pulled, and there is no debootstrap: make container-tools"
    root = scratch / DEBIAN
    packages = "--include=python3,python3-venv,python3-pip,ca-certificates"
    subprocess.run(["debootstrap", "--variant=minbase", packages, DEBIAN, root], stdout=sys.stderr, check=True)
    archive = scratch / "base.tar"
    subprocess.run(["tar", "-C", root, "-cf", archive, "."], check=True)
    shutil.rmtree(root)
    podman("import", str(archive), "localhost/python-base")
    archive.unlink()
    return "localhost/python-base"


def provide_lambda(podman: Engine, base: str) -> None:
    """Lambda's image for Python: pulled, else one that runs functions by the same runtime client on the base image."""
    if podman.has(LAMBDA) or podman("pull", "--quiet", LAMBDA, check=False, timeout=300):
        return
    here = Path(__file__).parent
    podman(
        "build",
        "--file",
        str(here / "lambda.Dockerfile"),
        "--build-arg",
        f"BASE_IMAGE={base}",
        "--tag",
        LAMBDA,
        str(here),
    )

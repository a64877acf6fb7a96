"""Whether a directory holds exactly what its run's manifest lists."""

from pathlib import Path

import msgspec

from fanout.manifest import MANIFEST, Manifest
from stepbatch.errors import UsageError
from stepbatch.workspace import FOLDER, file_sha256


def read_manifest(out: Path) -> Manifest | None:
    """The manifest in a directory, or None where the run is not complete. Raises UsageError if it cannot be read."""
    if not out.is_dir():
        raise UsageError(f"{out} is not a directory: give the --out of a run")
    try:
        return msgspec.json.decode((out / MANIFEST).read_bytes(), type=Manifest)
    except FileNotFoundError:
        return None
    except msgspec.DecodeError as error:
        raise UsageError(f"{out / MANIFEST} is no manifest: {error}") from None


def problems(out: Path, manifest: Manifest) -> list[str]:
    """How a directory differs from its manifest: files missing, changed or stray; empty where it does not."""
    wanted = {file.path: file for file in manifest.files}
    found: list[str] = []
    for path, file in wanted.items():
        target = out / path
        if not target.is_file():
            found.append(f"{path}: missing")
        elif (size := target.stat().st_size) != file.size:
            found.append(f"{path}: {size} bytes, the manifest says {file.size}")
        elif (digest := file_sha256(target)) != file.sha256:
            found.append(f"{path}: sha256 {digest}, the manifest says {file.sha256}")
    for target in sorted(out.rglob("*")):
        path = target.relative_to(out).as_posix()
        own = path == MANIFEST or path.split("/")[0] == FOLDER
        if path not in wanted and not own and not target.is_dir():
            found.append(f"{path}: stray, the manifest does not list it")
    return found

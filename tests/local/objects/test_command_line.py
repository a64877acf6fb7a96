"""The AWS command line as a client: what people type at a local cloud."""

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def aws(s3: "S3Client", *arguments: str | Path) -> str:
    """Standard output of ``aws s3 …``; fails with what it wrote to standard error."""
    environment = {
        "PATH": os.environ["PATH"],
        "AWS_ENDPOINT_URL": s3.meta.endpoint_url,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
    command = [Path(sys.executable).with_name("aws"), "s3", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_folder_is_synchronised_there_and_back(s3: "S3Client", bucket: str, tmp_path: Path) -> None:
    there, back = tmp_path / "there", tmp_path / "back"
    contents = {"a.txt": b"hello", "deep/er/ü &+.bin": bytes(range(256)) * 40_000, "empty": b""}
    for name, body in contents.items():
        (there / name).parent.mkdir(parents=True, exist_ok=True)
        (there / name).write_bytes(body)
        os.utime(there / name, (1e9, 1e9))  # S3 tells whole seconds: a file younger than that would be sent again
    aws(s3, "sync", there, f"s3://{bucket}/in", "--only-show-errors")
    aws(s3, "sync", f"s3://{bucket}/in", back, "--only-show-errors")
    assert {str(path.relative_to(back)): path.read_bytes() for path in back.rglob("*") if path.is_file()} == contents
    assert aws(s3, "sync", there, f"s3://{bucket}/in", "--dryrun") == "", "nothing has changed"
    listed = aws(s3, "ls", f"s3://{bucket}/in/")
    assert [line.split()[-1] for line in listed.splitlines()] == ["deep/", "a.txt", "empty"]
    aws(s3, "rb", "--force", f"s3://{bucket}")
    assert bucket not in aws(s3, "ls")

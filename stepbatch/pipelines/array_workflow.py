"""Objects validated, read, profiled, checked and told of: the AWS Batch guide's five jobs."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from stepbatch.console import plural
from stepbatch.errors import UsageError

if TYPE_CHECKING:
    from fanout.s3 import S3Uri

REJECTED_SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayWorkflow:
    """Which objects, and how they are worked on; what is None is left to the pipeline."""

    objects: Mapping[str, Path]  # name -> file
    items_per_job: int | str | None = None
    validation_steps: int | None = None
    tolerated_failure_percentage: float | None = None
    recipient: str | None = None

    name = "array-workflow"
    machine = "ArrayWorkflowStateMachineArn"
    bucket = "BucketName"

    @property
    def job_name(self) -> str:
        return self.name

    def files(self) -> Mapping[str, Path]:
        return self.objects

    def request(self, inputs: "S3Uri", output: "S3Uri") -> dict[str, Any]:
        given = {
            "itemsPerJob": self.items_per_job,
            "validationSteps": self.validation_steps,
            "toleratedFailurePercentage": self.tolerated_failure_percentage,
            "recipient": self.recipient,
        }
        required = {"inputUri": str(inputs), "outputUri": str(output)}
        return required | {name: value for name, value in given.items() if value is not None}

    def check(self) -> str:
        size = sum(path.stat().st_size for path in self.objects.values())
        return f"{plural(len(self.objects), 'object')}, {plural(size, 'byte')}"

    def show(self, out: Path, to: Console) -> None:
        """The notification that was sent, and what was left out."""
        summary = json.loads((out / "summary.json").read_bytes())
        sent = json.loads((out / "notification.json").read_bytes())
        to.print(f"notification {sent['messageId']} to {sent['topicArn']}:", soft_wrap=True)
        for line in [sent["subject"], *sent["message"].splitlines()]:
            to.print(f"  {line}", soft_wrap=True)
        rejected = summary["rejected"]
        if rejected:
            to.print(Text(f"{plural(len(rejected), 'object')} left out:", style="red"))
            for each in rejected[:REJECTED_SHOWN]:
                to.print(f"  {each['key']}: {each['reason']}", soft_wrap=True)
            if len(rejected) > REJECTED_SHOWN:
                to.print(f"  and {len(rejected) - REJECTED_SHOWN} more, listed in summary.json")
        to.print(f"files: {out} (summary.json, results/<plan>/statistics, results/<plan>/profiles)", soft_wrap=True)


def objects_in(folder: Path) -> dict[str, Path]:
    """Every file below a directory by its path in it. Raises UsageError if there is none."""
    if not folder.is_dir():
        raise UsageError(f"--input {folder} is not a directory")
    found = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    if not found:
        raise UsageError(f"--input {folder} holds no file")
    for name, path in found.items():
        if name != name.encode(errors="replace").decode():
            raise UsageError(f"--input: the name of {str(path)!r} is not UTF-8, as an object's key must be")
    return found


def items_per_job(text: str | None) -> int | str | None:
    """``auto`` or a count. Raises UsageError."""
    if text is None or text == "auto":
        return text
    if not text.isdecimal() or int(text) < 1:
        raise UsageError(f"--items-per-job {text}: give a whole number from 1, or auto")
    return int(text)

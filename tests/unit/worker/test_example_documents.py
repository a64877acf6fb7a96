"""The five documents for the plain AWS CLI: SubmitJob takes them, and each names the job before."""

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

from worker.command import ACTIONS

EXAMPLES = Path(__file__).parents[3] / "examples" / "array-workflow"
SUBMIT_JOB = ServiceModel(Loader().load_service_model("batch", "service-2")).operation_model("SubmitJob").input_shape
LETTERS = "abcde"


def document(letter: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((EXAMPLES / f"job-{letter}.json").read_text())
    return loaded


@pytest.mark.parametrize("letter", LETTERS)
def test_submit_job_takes_the_document(letter: str) -> None:
    assert SUBMIT_JOB is not None
    report = ParamValidator().validate(document(letter), SUBMIT_JOB)
    assert not report.has_errors(), report.generate_report()


def test_each_job_waits_for_the_one_before() -> None:
    waits = {letter: document(letter).get("dependsOn", []) for letter in LETTERS}
    assert waits == {
        "a": [],
        "b": [{"jobId": "JobA_job_ID"}],
        "c": [{"jobId": "JobB_job_ID", "type": "N_TO_N"}],
        "d": [{"jobId": "JobC_job_ID"}, {"type": "SEQUENTIAL"}],
        "e": [{"jobId": "JobD_job_ID"}],
    }


def test_the_arrays_are_as_large_as_the_slices_that_job_a_writes() -> None:
    slices = int(document("a")["parameters"]["slices"])
    assert {document(letter)["arrayProperties"]["size"] for letter in "bc"} == {slices}


def test_resources_are_those_of_the_guide() -> None:
    asked = {
        letter: {each["type"]: each["value"] for each in document(letter)["containerOverrides"]["resourceRequirements"]}
        for letter in "bcd"
    }
    assert asked == {
        "b": {"VCPU": "32", "MEMORY": "4096"},
        "c": {"VCPU": "1", "MEMORY": "32768"},
        "d": {"VCPU": "1", "MEMORY": "32768"},
    }


def test_the_script_submits_every_document_that_is_there() -> None:
    script = (EXAMPLES / "submit.sh").read_text()
    assert sorted(path.name for path in EXAMPLES.glob("*.json")) == [f"job-{letter}.json" for letter in LETTERS]
    assert all(f"job-{letter}.json" in script for letter in LETTERS)


def test_every_action_of_the_worker_can_be_done() -> None:
    for action, module in ACTIONS.items():
        assert callable(getattr(__import__(module, fromlist=[action]), action))

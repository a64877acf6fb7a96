"""Which cloud a command speaks to."""

import pytest
from botocore.exceptions import EndpointConnectionError

from stepbatch.advice import advice
from stepbatch.cloud import clients
from stepbatch.connect import standing_cloud
from stepbatch.errors import CloudError, UsageError
from tests.unit.stepbatch.fakes import FakeStepFunctions, cloud, refusal

LOCAL = {"AWS_ENDPOINT_URL": "http://127.0.0.1:4566"}
KEYS = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}


def test_without_an_endpoint_there_is_no_standing_cloud() -> None:
    assert standing_cloud(aws=False, stack=None, environ={}) is None
    assert standing_cloud(aws=False, stack=None, environ={"AWS_ENDPOINT_URL": ""}) is None


def test_the_endpoint_names_a_cloud_that_outlives_the_command() -> None:
    standing = standing_cloud(aws=False, stack="blue", environ=LOCAL)
    assert standing is not None
    assert (standing.stack, standing.private, standing.local, standing.flags) == ("blue", False, True, " --stack blue")


def test_an_endpoint_elsewhere_is_polled_as_aws_is() -> None:
    standing = standing_cloud(aws=False, stack=None, environ={"AWS_ENDPOINT_URL": "https://cloud.example.com"})
    assert standing is not None
    assert not standing.local


def test_aws_is_spoken_to_only_when_asked_for_and_the_flags_to_do_so_again_are_known() -> None:
    standing = standing_cloud(aws=True, stack="blue", environ={})
    assert standing is not None
    assert (standing.stack, standing.local, standing.flags) == ("blue", False, " --aws --stack blue")


def test_aws_and_an_endpoint_contradict_each_other() -> None:
    with pytest.raises(UsageError, match="--aws contradicts AWS_ENDPOINT_URL=http://127"):
        standing_cloud(aws=True, stack=None, environ=LOCAL)


def test_the_region_is_read_from_the_variable_that_boto3_passes_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    assert clients(credentials=KEYS)("s3").meta.region_name == "eu-central-1"


def test_a_function_is_never_invoked_twice_by_a_retry() -> None:
    make = clients(region="us-east-1", credentials=KEYS)
    assert make("lambda").meta.config.retries["total_max_attempts"] == 1
    assert make("lambda").meta.config.read_timeout > 900
    assert make("batch").meta.config.retries["total_max_attempts"] > 1


def test_a_missing_output_is_named_with_those_that_are_there() -> None:
    with pytest.raises(CloudError, match="no output 'Nope'; it has: BucketName, MonteCarlo"):
        cloud(FakeStepFunctions([])).output("Nope")


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        ("ExpiredToken", "log in again"),
        ("AccessDeniedException", "these credentials may not do it"),
        ("Odd", "says Odd"),
    ],
)
def test_an_answer_of_aws_is_told_with_what_to_do(code: str, hint: str) -> None:
    text = advice(refusal(code, "StartExecution"))
    assert text.startswith(f"StartExecution was answered with {code}: ")
    assert text.endswith(hint)


def test_a_local_cloud_that_is_gone_is_told_with_what_to_do() -> None:
    error = EndpointConnectionError(endpoint_url="http://127.0.0.1:4566/")
    text = advice(error, LOCAL)
    assert text.startswith("no local cloud answers at http://127.0.0.1:4566, which AWS_ENDPOINT_URL names: start it")
    assert "source .stepbatch/env" in text
    assert "unset AWS_ENDPOINT_URL" in text
    assert advice(error, {}).endswith("is there a network, and is the region right?")
    assert advice(error, {"AWS_ENDPOINT_URL": "https://cloud.example.com"}).endswith("names https://cloud.example.com")

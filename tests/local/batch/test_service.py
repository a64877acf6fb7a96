"""Each rule of AWS Batch through boto3, against a local cloud of its own."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from botocore.httpsession import URLLib3Session

from tests.local.cloud_process import Cloud, start_cloud, stop_cloud

TEMPLATE = {"AWSTemplateFormatVersion": "2010-09-09", "Resources": {"Bucket": {"Type": "AWS::S3::Bucket"}}}
SHELL = "import os, sys; os.execv('/bin/sh', ['sh', '-c', *sys.argv[1:]])"
PATIENCE = 60  # seconds that anything may take on a busy machine
RULES = [
    {"onStatusReason": "Host EC2*", "action": "RETRY"},
    {"onExitCode": "2", "action": "EXIT"},
    {"onReason": "OutOfMemoryError*", "action": "EXIT"},
    {"onExitCode": "*", "action": "RETRY"},
    {"onReason": "*", "action": "EXIT"},
]

type Document = dict[str, Any]


@dataclass
class Service:
    """A Batch client and short ways to use it; jobs are shell scripts."""

    cloud: Cloud
    queue: str
    definition: str

    @property
    def client(self) -> Any:
        return self.cloud.client("batch")

    def submit(self, script: str = "true", *, size: int | None = None, **request: Any) -> str:
        if size is not None:
            request["arrayProperties"] = {"size": size}
        overrides = {"command": [script], **request.pop("containerOverrides", {})}
        answer = self.client.submit_job(
            **{"jobName": "job", "jobQueue": self.queue, "jobDefinition": self.definition, **request},
            containerOverrides=overrides,
        )
        return str(answer["jobId"])

    def describe(self, job_id: str) -> Document:
        return dict(self.client.describe_jobs(jobs=[job_id])["jobs"][0])

    def until(self, job_id: str, *statuses: str) -> Document:
        deadline = time.monotonic() + PATIENCE
        while (job := self.describe(job_id))["status"] not in statuses:
            assert time.monotonic() < deadline, job
            time.sleep(0.02)
        return job

    def finish(self, job_id: str) -> Document:
        return self.until(job_id, "SUCCEEDED", "FAILED")

    def children(self, job_id: str, size: int) -> list[Document]:
        jobs = [f"{job_id}:{index}" for index in range(size)]
        return sorted(
            self.client.describe_jobs(jobs=jobs)["jobs"], key=lambda job: int(job["arrayProperties"]["index"])
        )

    def log(self, job: Document) -> list[str]:
        stream = job["container"]["logStreamName"]
        events = self.cloud.client("logs").get_log_events(logGroupName="/aws/batch/job", logStreamName=stream)
        return [event["message"] for event in events["events"]]

    def refusal(self, **request: Any) -> str:
        """The message with which a submission is refused."""
        with pytest.raises(ClientError) as refused:
            self.submit(**request)
        error = refused.value.response["Error"]
        assert error["Code"] == "ClientException"
        return str(error["Message"])


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    root = tmp_path_factory.mktemp("batch")
    package = root / "containers" / "shell" / "shell"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(SHELL)
    (root / "template.json").write_text(json.dumps(TEMPLATE))
    cloud = start_cloud(root / "template.json", "--workers", "4", log=root / "stderr")
    yield furnish(cloud)
    stop_cloud(cloud)


def furnish(cloud: Cloud) -> Service:
    """Two queues, one of them disabled later; a definition of 0.5 vCPU."""
    client = cloud.client("batch")
    resources = {"type": "EC2", "minvCpus": 0, "maxvCpus": 16, "instanceTypes": ["optimal"], "instanceRole": "role"}
    environment = client.create_compute_environment(
        computeEnvironmentName="spot",
        type="MANAGED",
        computeResources={**resources, "subnets": ["subnet-1"], "securityGroupIds": ["sg-1"]},
    )["computeEnvironmentArn"]
    order = [{"order": 1, "computeEnvironment": environment}]
    queue = client.create_job_queue(jobQueueName="queue", priority=1, computeEnvironmentOrder=order)["jobQueueArn"]
    client.create_job_queue(jobQueueName="closed", priority=1, computeEnvironmentOrder=order)
    client.update_job_queue(jobQueue="closed", state="DISABLED")
    definition = client.register_job_definition(
        jobDefinitionName="shell",
        type="container",
        parameters={"word": "default"},
        containerProperties={
            "image": "registry.example/shell:1",
            "resourceRequirements": [{"type": "VCPU", "value": "0.5"}, {"type": "MEMORY", "value": "64"}],
        },
    )["jobDefinitionArn"]
    return Service(cloud, queue, definition)


def test_an_array_runs_each_child_with_its_index_and_counts_them(service: Service) -> None:
    job = service.finish(service.submit("echo $AWS_BATCH_JOB_ARRAY_INDEX $AWS_BATCH_JOB_ID", size=3))
    summary = job["arrayProperties"]["statusSummary"]
    assert (job["status"], job["arrayProperties"]["size"], summary["SUCCEEDED"]) == ("SUCCEEDED", 3, 3)
    for index, child in enumerate(service.children(job["jobId"], 3)):
        assert service.log(child) == [f"{index} {job['jobId']}:{index}"]


@pytest.mark.parametrize("size", [0, 1, 10_001])
def test_array_sizes_outside_2_to_10000_are_refused(service: Service, size: int) -> None:
    assert f"Array size must be between 2 and 10,000, got {size}" in service.refusal(size=size)


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"jobDefinition": "nothing"}, "JobDefinition name nothing does not exist or is not in ACTIVE status"),
        ({"jobDefinition": "shell:9"}, "JobDefinition name shell:9 does not exist or is not in ACTIVE status"),
        ({"jobQueue": "nowhere"}, "JobQueue nowhere not found."),
        ({"jobQueue": "closed"}, "DISABLED"),
        ({"jobName": "what?"}, "Job name should match valid pattern"),
        ({"script": "Ref::missing"}, "Unable to substitute value. No parameter found for reference missing"),
        ({"parameters": {"word": "x" * 31_000}}, "Job size must be less than 30 KiB, got 31 KiB"),
        ({"dependsOn": [{"jobId": "x"}] * 21}, "Job cannot have more than 20 dependencies"),
        ({"dependsOn": [{"jobId": "unknown"}]}, "Job unknown not found"),
        ({"timeout": {"attemptDurationSeconds": 59}}, "must be at least 60, got 59"),
        ({"retryStrategy": {"attempts": 11}}, "between 1 and 10, got 11"),
    ],
)
def test_a_submission_that_breaks_a_rule_is_refused_in_the_services_words(
    service: Service, request_: Document, message: str
) -> None:
    assert message in service.refusal(**request_)


def test_a_parameter_that_is_no_string_is_refused_though_a_client_sends_it(service: Service) -> None:
    client = service.cloud.client("batch", parameter_validation=False)
    with pytest.raises(ClientError, match=r"parameters\.word, value: 3") as refused:
        client.submit_job(
            jobName="job", jobQueue=service.queue, jobDefinition=service.definition, parameters={"word": 3}
        )
    assert refused.value.response["Error"]["Code"] == "ClientException"


def test_an_inactive_definition_is_refused(service: Service) -> None:
    made = service.client.register_job_definition(
        jobDefinitionName="short-lived",
        type="container",
        containerProperties={"image": "shell", "vcpus": 1, "memory": 64},
    )["jobDefinitionArn"]
    service.client.deregister_job_definition(jobDefinition=made)
    assert "not found" in service.refusal(jobDefinition=made)


def test_references_take_the_submissions_parameters_then_the_definitions(service: Service) -> None:
    default = service.finish(service.submit("echo $0", containerOverrides={"command": ["echo $0", "Ref::word"]}))
    given = service.submit(containerOverrides={"command": ["echo $0", "Ref::word"]}, parameters={"word": "given"})
    assert service.log(default) == ["default"]
    assert service.log(service.finish(given)) == ["given"]


def test_the_environment_can_be_overridden(service: Service) -> None:
    overrides = {"environment": [{"name": "WORD", "value": "hello"}]}
    assert service.log(service.finish(service.submit("echo $WORD", containerOverrides=overrides))) == ["hello"]


def test_overrides_too_long_for_ecs_fail_the_job_as_they_do_on_aws(service: Service) -> None:
    overrides = {"environment": [{"name": "TEXT", "value": "x" * 8192}]}
    job = service.finish(service.submit(containerOverrides=overrides))
    assert job["statusReason"] == "Container Overrides length must be at most 8192"
    assert job["attempts"] == []


@pytest.mark.parametrize(
    ("script", "codes", "status"),
    [
        ("exit 2", [2], "FAILED"),
        ("kill -9 $$", [137, 137, 137], "FAILED"),
        ("test $AWS_BATCH_JOB_ATTEMPT = 3 || exit 1", [1, 1, 0], "SUCCEEDED"),
        ("exit 0", [0], "SUCCEEDED"),
    ],
)
def test_the_rules_of_our_definitions_decide_what_is_retried(
    service: Service, script: str, codes: list[int], status: str
) -> None:
    strategy = {"attempts": 3, "evaluateOnExit": RULES}
    job = service.finish(service.submit(script, retryStrategy=strategy))
    assert job["status"] == status
    assert [attempt["container"]["exitCode"] for attempt in job["attempts"]] == codes
    streams = {attempt["container"]["logStreamName"] for attempt in job["attempts"]}
    assert len(streams) == len(codes)
    assert all(attempt["startedAt"] <= attempt["stoppedAt"] for attempt in job["attempts"])


def test_n_to_n_children_overlap_with_their_counterparts(service: Service) -> None:
    first = service.submit("test $AWS_BATCH_JOB_ARRAY_INDEX = 1 || sleep 60", size=2)
    second = service.submit("true", size=2, dependsOn=[{"jobId": first, "type": "N_TO_N"}])
    assert service.finish(f"{second}:1")["status"] == "SUCCEEDED"
    assert service.describe(f"{first}:0")["status"] == "RUNNING"
    assert service.describe(f"{second}:0")["status"] == "PENDING"
    assert service.describe(second)["status"] == "PENDING"
    service.client.terminate_job(jobId=first, reason="seen")
    assert service.finish(f"{second}:0")["statusReason"] == "Dependent Job failed"


def test_only_the_counterpart_of_a_failed_child_fails_unrun(service: Service) -> None:
    first = service.submit("test $AWS_BATCH_JOB_ARRAY_INDEX != 3", size=5)
    second = service.submit(size=5, dependsOn=[{"jobId": first, "type": "N_TO_N"}])
    assert service.finish(second)["status"] == "FAILED"
    children = service.children(second, 5)
    assert [child["status"] for child in children] == ["SUCCEEDED"] * 3 + ["FAILED", "SUCCEEDED"]
    assert children[3]["attempts"] == []
    assert children[3]["statusReason"] == "Dependent Job failed"


def test_arrays_of_unequal_size_cannot_be_paired(service: Service) -> None:
    first = service.submit(size=3)
    message = service.refusal(size=4, dependsOn=[{"jobId": first, "type": "N_TO_N"}])
    assert "array sizes must be equal" in message
    plain = service.submit()
    assert "is no array job" in service.refusal(size=3, dependsOn=[{"jobId": plain, "type": "N_TO_N"}])


def test_sequential_children_run_one_after_the_other(service: Service) -> None:
    job = service.finish(service.submit("sleep 0.05", size=4, dependsOn=[{"type": "SEQUENTIAL"}]))
    assert job["status"] == "SUCCEEDED"
    children = service.children(job["jobId"], 4)
    for before, after in pairwise(children):
        assert before["stoppedAt"] <= after["startedAt"]


def test_a_sequential_array_ends_at_its_first_failure(service: Service) -> None:
    script = "test $AWS_BATCH_JOB_ARRAY_INDEX != 1"
    job = service.finish(service.submit(script, size=4, dependsOn=[{"type": "SEQUENTIAL"}]))
    assert [len(child["attempts"]) for child in service.children(job["jobId"], 4)] == [1, 1, 0, 0]


def test_a_job_waits_for_all_of_an_array(service: Service) -> None:
    first = service.submit("sleep 0.1", size=3)
    second = service.finish(service.submit(dependsOn=[{"jobId": first}]))
    assert second["startedAt"] >= max(child["stoppedAt"] for child in service.children(first, 3))


def test_cancelling_a_running_job_does_nothing_and_says_nothing(service: Service) -> None:
    job_id = service.submit("sleep 0.5")
    service.until(job_id, "RUNNING")
    service.client.cancel_job(jobId=job_id, reason="not wanted")
    assert service.finish(job_id)["status"] == "SUCCEEDED"


def test_cancelling_a_waiting_job_fails_it_with_the_reason(service: Service) -> None:
    first = service.submit("sleep 0.3")
    second = service.submit(dependsOn=[{"jobId": first}])
    service.client.cancel_job(jobId=second, reason="not wanted")
    job = service.finish(second)
    assert (job["status"], job["statusReason"], job["isCancelled"]) == ("FAILED", "not wanted", True)


def test_terminating_a_parent_ends_its_children(service: Service) -> None:
    job_id = service.submit("sleep 60", size=3, retryStrategy={"attempts": 3})
    service.until(f"{job_id}:0", "RUNNING")
    service.client.terminate_job(jobId=job_id, reason="enough")
    job = service.finish(job_id)
    assert (job["status"], job["statusReason"], job["isTerminated"]) == ("FAILED", "enough", True)
    assert {child["statusReason"] for child in service.children(job_id, 3)} == {"enough"}


def test_many_jobs_are_cancelled_or_terminated_at_once(service: Service) -> None:
    first = service.submit("sleep 60", size=2)
    second, third = (service.submit(dependsOn=[{"jobId": first}]) for _ in range(2))
    service.until(f"{first}:0", "RUNNING")
    answer = service.client.cancel_jobs(jobs=[second, third, "unknown", second], reason="not wanted")
    assert (answer["successful"], answer["errors"]) == ([second, third, "unknown"], [])
    assert {service.finish(each)["statusReason"] for each in (second, third)} == {"not wanted"}
    service.client.terminate_jobs(jobs=[first], reason="enough")
    assert service.finish(first)["statusReason"] == "enough"
    for call in (service.client.cancel_jobs, service.client.terminate_jobs):
        with pytest.raises(ClientError, match="between 1 and 50, got 51"):
            call(jobs=[str(number) for number in range(51)], reason="too many")


def test_jobs_are_listed_by_queue_parent_status_filter_and_page(service: Service) -> None:
    job_id = service.submit(size=5, jobName="listed")
    service.finish(job_id)
    pages = service.client.get_paginator("list_jobs")
    found = pages.paginate(arrayJobId=job_id, jobStatus="SUCCEEDED", PaginationConfig={"PageSize": 2})
    summaries = [page["jobSummaryList"] for page in found]
    assert [len(page) for page in summaries] == [2, 2, 1]
    assert {each["jobId"] for page in summaries for each in page} == {f"{job_id}:{index}" for index in range(5)}
    named = service.client.list_jobs(jobQueue="queue", filters=[{"name": "JOB_NAME", "values": ["LIST*"]}])[
        "jobSummaryList"
    ]
    assert [each["jobId"] for each in named] == [job_id]
    assert named[0]["arrayProperties"]["size"] == 5
    assert named[0]["arrayProperties"]["statusSummary"]["SUCCEEDED"] == 5
    with pytest.raises(ClientError, match="Exactly one of jobQueue"):
        service.client.list_jobs(jobQueue="queue", arrayJobId=job_id)


def test_no_more_than_a_hundred_jobs_are_described_at_once(service: Service) -> None:
    job_id = service.submit()
    assert len(service.client.describe_jobs(jobs=[job_id, "unknown", *[job_id] * 98])["jobs"]) == 1
    with pytest.raises(ClientError, match="Maximum number of jobs supported is 100"):
        service.client.describe_jobs(jobs=[job_id] * 101)


def test_tags_of_a_job_can_be_read_and_changed(service: Service) -> None:
    job_id = service.submit(tags={"team": "desk"})
    arn = service.describe(job_id)["jobArn"]
    service.client.tag_resource(resourceArn=arn, tags={"run": "7"})
    service.client.untag_resource(resourceArn=arn, tagKeys=["team"])
    assert service.client.list_tags_for_resource(resourceArn=arn)["tags"] == {"run": "7"}
    assert service.describe(job_id)["tags"] == {"run": "7"}


def test_requests_beyond_this_machine_run_alone_and_beyond_every_environment_wait(service: Service) -> None:
    beyond_machine = {"resourceRequirements": [{"type": "VCPU", "value": "8"}]}
    assert service.finish(service.submit(containerOverrides=beyond_machine))["status"] == "SUCCEEDED"
    beyond_all = {"resourceRequirements": [{"type": "VCPU", "value": "17"}]}
    job_id = service.submit(containerOverrides=beyond_all)
    job = service.describe(job_id)
    assert job["status"] == "RUNNABLE"
    assert job["statusReason"].startswith("MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE")
    service.client.cancel_job(jobId=job_id, reason="never fits")
    assert service.finish(job_id)["status"] == "FAILED"


def test_an_unknown_job_can_be_neither_cancelled_nor_terminated(service: Service) -> None:
    for call in (service.client.cancel_job, service.client.terminate_job):
        with pytest.raises(ClientError, match="Job unknown not found"):
            call(jobId="unknown", reason="why not")


def test_running_jobs_are_reclaimed_over_the_wire_and_retried_by_rule(service: Service) -> None:
    script = "test $AWS_BATCH_JOB_ATTEMPT = 2 || sleep 60"
    job_id = service.submit(script, size=2, retryStrategy={"attempts": 2, "evaluateOnExit": RULES})
    for index in range(2):
        service.until(f"{job_id}:{index}", "RUNNING")
    assert interrupt(service, {"jobs": [f"{job_id}:1"], "noticeSeconds": 0}) == [f"{job_id}:1"]
    assert interrupt(service, {"count": 1, "noticeSeconds": 0}) == [f"{job_id}:0"]
    assert service.finish(job_id)["status"] == "SUCCEEDED"
    for child in service.children(job_id, 2):
        assert child["attempts"][0]["statusReason"].startswith("Host EC2 (instance i-")


def test_of_the_jobs_that_are_named_at_most_so_many_are_reclaimed(service: Service) -> None:
    job_id, other = service.submit("sleep 60", size=2), service.submit("sleep 60")
    for each in (f"{job_id}:0", f"{job_id}:1", other):
        service.until(each, "RUNNING")
    assert interrupt(service, {"jobs": [job_id], "count": 1, "noticeSeconds": 0}) == [f"{job_id}:0"]
    for each in (job_id, other):
        service.client.terminate_job(jobId=each, reason="seen enough")
    for each in (job_id, other):
        assert service.finish(each)["status"] == "FAILED"
    assert interrupt(service, {"jobs": [job_id, other], "count": 3}) == []


def interrupt(service: Service, body: Document) -> list[str]:
    """A signed request as ``aws batch`` would send it, were there such an operation."""
    url = f"{service.cloud.endpoint_url}/v1/interruptjobs"
    request = AWSRequest("POST", url, data=json.dumps(body), headers={"Content-Type": "application/json"})
    SigV4Auth(Credentials("test", "test"), "batch", service.cloud.region).add_auth(request)
    response = URLLib3Session().send(request.prepare())
    assert response.status_code == 200, response.text
    return list(json.loads(response.text)["jobs"])

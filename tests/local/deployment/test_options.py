"""The product's template as it deploys with its defaults, and with everything switched the other way."""

import re
from pathlib import Path

from tests.local.cloud_process import Cloud, start_cloud, stop_cloud

ROOT = Path(__file__).parents[3]
SWITCHES = [
    "Alarms=yes",
    "AlarmEmail=desk@example.com",
    "Dashboard=yes",
    "CustomerKey=yes",
    "InterruptionExperiment=yes",
]
OWN = [f"{image}ImageUri=registry.example/own/{image.lower()}:7" for image in ("Pricer", "Renderer", "Worker")]


def resources(cloud: Cloud) -> dict[str, str]:
    """Logical id -> type, of the stack and all that are nested in it."""
    client = cloud.client("cloudformation")
    names = [each["StackName"] for each in client.list_stacks()["StackSummaries"]]
    found = [each for name in names for each in client.describe_stack_resources(StackName=name)["StackResources"]]
    return {each["LogicalResourceId"]: each["ResourceType"] for each in found}


def image(cloud: Cloud, output: str) -> str:
    [definition] = cloud.client("batch").describe_job_definitions(jobDefinitions=[cloud.outputs[output]])[
        "jobDefinitions"
    ]
    return str(definition["containerProperties"]["image"])


def test_without_an_argument_jobs_run_the_images_that_the_builder_found(cloud: Cloud) -> None:
    for output, name in (("PricerJobDefinitionArn", "pricer"), ("RendererJobDefinitionArn", "renderer")):
        assert re.fullmatch(rf"{cloud.outputs[name.title() + 'RepositoryUri']}:[0-9a-f]{{32}}", image(cloud, output))
    made = resources(cloud)
    assert made["BuildImagesFunction"] == "AWS::Lambda::Function"
    assert not {"MonteCarloAlarm", "AlarmTopic", "PipelineDashboard", "Key", "SpotInterruptionExperiment"} & set(made)


def test_images_of_one_s_own_need_no_builder_and_every_option_deploys(tmp_path: Path) -> None:
    options = [word for each in (*SWITCHES, *OWN) for word in ("--parameter", each)]
    cloud = start_cloud(ROOT / "template.yaml", *options, log=tmp_path / "stderr")
    made = resources(cloud)
    assert image(cloud, "PricerJobDefinitionArn") == "registry.example/own/pricer:7"
    assert image(cloud, "WorkerJobDefinitionArn") == "registry.example/own/worker:7"
    assert not {"BuildImagesFunction", "ConcludeBuildFunction", "PricerImage"} & set(made)
    assert {"MonteCarloAlarm", "BlockedQueueRule", "PipelineDashboard", "Key", "SpotInterruptionExperiment"} <= set(
        made
    )
    assert {"AlarmTopicArn", "SpotInterruptionExperimentId"} <= set(cloud.outputs)
    encryption = cloud.client("s3").get_bucket_encryption(Bucket=cloud.outputs["BucketName"])
    [rule] = encryption["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    stop_cloud(cloud)

"""The roles of the rendering pipeline have what it needs, and nothing that can be taken away unnoticed."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.local.cloud_process import start_cloud, stop_cloud
from tests.local.iam.conftest import RENDERING, TEMPLATE
from tests.local.iam.evidence import Evidence, reasons
from tests.local.iam.runs import Runs


@pytest.fixture(scope="module")
def evidence(scene: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Evidence]:
    """A film of two frames; the same again with damaged frames; a failure; an execution that is stopped."""
    cloud = start_cloud(TEMPLATE, "--stack", "roles", log=tmp_path_factory.mktemp("roles") / "stderr")
    try:
        runs = Runs(cloud)
        blend = runs.put("film/scene.blend", scene("--frames", "2", "--size", "32x18", "--samples", "1").read_bytes())
        film = {"jobName": "film", "inputUri": blend, "outputUri": f"s3://{runs.bucket}/film/out", "framesPerJob": "1"}
        runs.start("RenderingStateMachineArn", film).output()
        runs.damage("film/out/", ".png")
        runs.start("RenderingStateMachineArn", film, ends="FAILED")  # the damaged frame is removed, and named
        broken = runs.broken("RendererJobDefinitionArn")
        elsewhere = film | {"outputUri": f"s3://{runs.bucket}/film/broken", "jobDefinitionArn": broken}
        runs.start("RenderingStateMachineArn", elsewhere, ends="FAILED")
        runs.finish()
        with runs.blocked("JobQueue"):
            runs.stop_at("RenderingStateMachineArn", film | {"outputUri": f"s3://{runs.bucket}/film/stopped"}, "")
        runs.finish()
        yield Evidence.of(cloud).of_roles(lambda role: role.startswith(RENDERING))
    finally:
        stop_cloud(cloud)


def test_nothing_that_rendering_does_is_denied(evidence: Evidence) -> None:
    assert evidence.denied == []


def test_without_any_one_permission_that_rendering_used_something_is_denied(evidence: Evidence) -> None:
    assert evidence.spared() == []


def test_what_rendering_did_not_use_is_listed_with_its_reason_and_nothing_else_is(evidence: Evidence) -> None:
    listed = {grant for grant in reasons() if grant.startswith(RENDERING)}
    assert evidence.unused == listed

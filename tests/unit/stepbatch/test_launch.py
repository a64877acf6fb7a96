"""Options that contradict each other are refused before anything is read or reached."""

from pathlib import Path

import pytest

from stepbatch.errors import UsageError
from stepbatch.launch import Choices, launch
from stepbatch.pipelines.rendering import Rendering


@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.parametrize(
    ("interrupt", "workers", "words"),
    [
        (5, None, "--interrupt 5 is of a local cloud; on AWS deploy the stack with InterruptionExperiment=yes"),
        (None, 4, "--workers 4 is of a private local cloud; --aws names another"),
    ],
)
def test_what_only_a_local_cloud_can_do_is_not_asked_of_aws(
    tmp_path: Path, interrupt: int | None, workers: int | None, words: str, *, dry_run: bool
) -> None:
    choices = Choices(
        out=tmp_path / "out",
        workers=workers,
        interrupt=interrupt,
        dry_run=dry_run,
        as_json=False,
        aws=True,
        stack=None,
    )
    with pytest.raises(UsageError) as caught:
        launch(Rendering(blend=tmp_path / "absent.blend"), choices)
    assert words in str(caught.value)
    assert not (tmp_path / "out").exists()

"""The conversation with Blender, whose place a small program takes: answers, complaints, death."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fanout.blendplan import Look
from fanout.errors import BlendError
from renderer import blender
from renderer.blender import Blender, BlenderGone, FrameFailed

STAND_IN = """
import json, os, sys
answers = os.fdopen(int(sys.argv[1]), "w", buffering=1)
ready = {"blender": "5.2.3", "engine": "CYCLES", "width": 1, "height": 1, "sound": False, "simulatesFrom": None}
said = json.loads(%r)
for line in sys.stdin:
    request = json.loads(line)
    answer = {"ready": ready} if "open" in request else {"rendered": request["render"], "seconds": 0.5}
    for step in said.get(str(request.get("render", "open")), ()):
        if step == "die":
            os.abort()
        elif step == "take stdout away":
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        elif isinstance(step, dict):
            answer = step
        else:
            os.write(1, step.encode())
    os.write(1, b"\\n\\x04\\n")
    answers.write(json.dumps(answer) + "\\n")
"""

Start = Callable[..., Blender]


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Start:
    """``said``: at which request the stand-in prints, answers or does what."""

    def started(said: dict[str, list[Any]], **look: Any) -> Blender:
        program = tmp_path / "stand_in.py"
        program.write_text(STAND_IN % json.dumps(said))
        monkeypatch.setattr(blender, "PROGRAM", program)
        made = Look(version="etag", kind="file", blend="scene.blend", scene="Scene", **look)
        return Blender(tmp_path / "scene.blend", made, threads=1, home=tmp_path, log=lambda _: None)

    return started


def missing(path: Path) -> str:
    return f"00:00.649  cycles           | WARNING Image file {path} does not exist.\n"


def test_a_frame_that_was_rendered_without_an_image_failed_and_the_next_one_did_not(
    start: Start, tmp_path: Path
) -> None:
    oak = missing(tmp_path / "tex" / "oak.png")
    with start({"1": [oak, oak]}) as running:
        with pytest.raises(FrameFailed, match=r"^tex/oak\.png does not exist$"):
            running.render(1, tmp_path / "1.png")
        assert running.render(2, tmp_path / "2.png") == 0.5


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("00:04.899  cycles  | WARNING Image file /p/tex/oak.png failed to open.", "tex/oak.png failed to open"),
        ("00:04.899  cycles  | WARNING Image file /p/tex/oak.png failed to load.", "tex/oak.png failed to load"),
        (
            "00:04.964  image.read | ERROR IMB_load_image_from_memory: unknown file-format (/p/a (2).jpg)",
            "a (2).jpg cannot be read",
        ),
        (
            "/p/sky.exr: (EXR_ERR_BAD_CHUNK_LEADER) Preparing to read scanline 30",
            "sky.exr is damaged (EXR_ERR_BAD_CHUNK_LEADER)",
        ),
        ("libpng error: IDAT: CRC error", "an image is damaged (libpng error: IDAT: CRC error)"),
        ("00:05.108  render  | Saved: '/p/000001.png'", None),
        ("libpng warning: iCCP: known incorrect sRGB profile", None),
    ],
)
def test_a_line_that_tells_of_an_image_that_was_left_out_is_understood(line: str, told: str | None) -> None:
    assert blender.complaint(line, Path("/p")) == told


def test_who_wants_the_picture_without_the_image_gets_it(start: Start, tmp_path: Path) -> None:
    with start({"1": [missing(tmp_path / "oak.png")]}, ignore_missing_assets=True) as running:
        assert running.render(1, tmp_path / "1.png") == 0.5


def test_what_was_complained_of_while_the_file_was_opened_is_no_frames_fault(start: Start, tmp_path: Path) -> None:
    with start({"open": [missing(tmp_path / "icon.png")]}) as running:
        assert running.render(1, tmp_path / "1.png") == 0.5


def test_nobody_waits_for_ever_where_a_files_scripts_took_blenders_words_away(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    icon = missing(tmp_path / "icon.png")
    with start({"open": [icon], "1": ["take stdout away"]}) as running, monkeypatch.context() as impatient:
        impatient.setattr(blender, "STOP_SECONDS", 0.1)
        assert running.render(1, tmp_path / "1.png") == 0.5
        impatient.setattr(blender, "STOP_SECONDS", -1)  # to wait again would be an error
        assert running.render(2, tmp_path / "2.png") == 0.5


def test_blenders_last_words_are_told_when_it_dies(start: Start, tmp_path: Path) -> None:
    words = r"Blender ended with signal SIGABRT; its last words: out of cheese"
    with start({"3": ["out of cheese\n", "die"]}) as running, pytest.raises(BlenderGone, match=words):
        running.render(3, tmp_path / "3.png")


def test_a_render_that_is_cancelled_is_told_with_the_errors_that_blender_reported(start: Start, tmp_path: Path) -> None:
    report = "00:01.422  reports          | ERROR Cannot render, no camera\n"
    cancelled = {"failed": 1, "reason": "Blender ended the render with ['CANCELLED'] and wrote no image"}
    with start({"open": ["x | ERROR of before\n"], "1": [report, report, cancelled]}) as running:
        with pytest.raises(FrameFailed, match=r"\['CANCELLED'\] and wrote no image: Cannot render, no camera$"):
            running.render(1, tmp_path / "1.png")
        assert running.render(2, tmp_path / "2.png") == 0.5
    refused = {"failed": 1, "reason": "Cannot render, no camera"}
    with (
        start({"1": [report, refused]}) as running,
        pytest.raises(FrameFailed, match=r"^Cannot render, no camera$"),
    ):
        running.render(1, tmp_path / "1.png")


def test_what_blender_will_not_open_is_refused_by_the_files_name(start: Start) -> None:
    with pytest.raises(BlendError, match=r"scene\.blend: no scene in it"):
        start({"open": [{"refused": "no scene in it"}]})


def test_blender_gets_no_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    assert not [name for name in blender.environment(tmp_path) if name.startswith("AWS")]

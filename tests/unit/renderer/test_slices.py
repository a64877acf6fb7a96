"""One child's frames: what stands is left alone, what fails is tried again, what is finished is never lost."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from fanout.blendplan import Look, frame_uri, parameters_of
from fanout.errors import BlendError, Interrupted
from renderer.png import inspect
from renderer.slices import MOST_FAILURES, Failure, Rendered, RenderError, Slice, Stop, Uploads, check, missing
from tests.unit.renderer.conftest import DEATH, OUTPUT, REFUSAL, Painter, Studio
from tests.unit.renderer.pictures import chunk, numbered, picture

FRAMES = (1, 2, 3, 4, 5)


def silent(event: str, **facts: object) -> None:
    pass


@pytest.fixture
def look(studio: Studio) -> Look:
    return parameters_of(studio.plan(FRAMES)).look


@pytest.fixture
def render(studio: Studio, look: Look, tmp_path: Path, stop: Stop) -> Any:
    """Renders frames with a painter."""

    def run(painter: Painter, frames: tuple[int, ...] = FRAMES) -> tuple[list[Rendered], list[Failure]]:
        with ThreadPoolExecutor(2) as pool:
            uploads = Uploads(objects=studio.objects, output=OUTPUT, look=look, attempt="2", pool=pool)
            work = Slice(
                start=painter.start,
                folder=tmp_path,
                stop=stop,
                log=silent,
                began=time.monotonic() - 3.0,
            )
            return work.render(frames, uploads)

    return run


def standing(studio: Studio, look: Look) -> list[int]:
    return [frame for frame in FRAMES if studio.objects.find(frame_uri(OUTPUT, look, frame))]


def test_every_frame_is_rendered_in_one_blender_and_uploaded_whole(render: Any, studio: Studio, look: Look) -> None:
    painter = Painter()
    done, failures = render(painter)
    assert ([each.frame for each in done], failures) == (list(FRAMES), [])
    assert (painter.opened, painter.closed) == (1, 1)
    assert [studio.objects.get(frame_uri(OUTPUT, look, frame)) for frame in FRAMES] == [numbered(f) for f in FRAMES]


def test_what_a_frame_took_lies_beside_it_and_not_in_it(render: Any, studio: Studio, look: Look) -> None:
    render(Painter())
    notes = [studio.objects.get_annotated(frame_uri(OUTPUT, look, frame))[1] for frame in FRAMES]
    assert [note.pop("startup", None) is not None for note in notes] == [True, False, False, False, False]
    assert notes == [{"seconds": "0.2500", "attempt": "2"}] * 5


def test_start_up_counts_from_the_childs_beginning_to_its_first_frame(render: Any) -> None:
    called = time.monotonic()
    done, _ = render(Painter())
    assert 3.0 <= done[0].startup <= 3.0 + time.monotonic() - called
    assert {each.startup for each in done[1:]} == {None}


def test_dates_and_paths_do_not_reach_the_bucket(render: Any, studio: Studio, look: Look) -> None:
    stamp = chunk(b"tEXt", b"File\0/home/artist/secret.blend")
    render(Painter(body=lambda _: picture(extra=stamp)))
    assert studio.objects.get(frame_uri(OUTPUT, look, 1)) == picture()


def test_frames_that_stand_are_not_missing_but_empty_ones_are(studio: Studio, look: Look) -> None:
    studio.frame(look, 2)
    studio.frame(look, 4, b"")
    assert missing(studio.objects, OUTPUT, look, FRAMES) == [1, 3, 4, 5]


def test_a_frame_is_tried_again_in_a_fresh_blender(render: Any, studio: Studio, look: Look) -> None:
    painter = Painter(fails={3: [DEATH]})
    done, failures = render(painter)
    assert (len(done), failures) == (5, [])
    assert (painter.opened, painter.closed) == (2, 2)


def test_a_frame_that_fails_twice_is_put_aside_and_the_others_are_rendered(
    render: Any, studio: Studio, look: Look
) -> None:
    done, failures = render(Painter(fails={3: [REFUSAL, REFUSAL]}))
    assert [each.frame for each in done] == [1, 2, 4, 5]
    assert failures == [Failure(frame=3, reason="Cannot render, no camera", by_blender=True)]
    assert standing(studio, look) == [1, 2, 4, 5]


def test_a_slice_whose_frames_all_fail_is_given_up(render: Any) -> None:
    painter = Painter(fails={frame: [DEATH, DEATH] for frame in FRAMES})
    done, failures = render(painter)
    assert (done, len(failures)) == ([], MOST_FAILURES)


def test_a_damaged_picture_is_rendered_again(render: Any, studio: Studio, look: Look) -> None:
    bodies = [picture()[:-9], picture()]
    painter = Painter(body=lambda frame: bodies.pop(0) if frame == 1 else numbered(frame))
    done, failures = render(painter)
    assert (len(done), failures) == (5, [])
    inspect(studio.objects.get(frame_uri(OUTPUT, look, 1)))


def test_told_to_stop_it_finishes_its_frame_and_keeps_it(render: Any, studio: Studio, look: Look, stop: Stop) -> None:
    painter = Painter(during=lambda frame: stop.request() if frame == 2 else None)
    done, _ = render(painter)
    assert [each.frame for each in done] == [1, 2]
    assert standing(studio, look) == [1, 2]
    assert (painter.opened, painter.closed) == (1, 1)


def test_told_to_stop_before_it_renders_it_stops_at_once(stop: Stop) -> None:
    with pytest.raises(Interrupted):
        stop.request()


def test_a_frame_is_uploaded_while_the_next_one_renders(
    render: Any, studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    second_begun = Event()
    overlapped: list[bool] = []
    put = studio.objects.put

    def slow(*arguments: Any, **named: Any) -> None:
        overlapped.append(second_begun.wait(10))
        put(*arguments, **named)

    monkeypatch.setattr(studio.objects, "put", slow)
    render(Painter(during=lambda frame: second_begun.set() if frame == 2 else None))
    assert overlapped == [True] * 5


def test_an_upload_that_fails_fails_the_slice(render: Any, studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: Any, **named: Any) -> None:
        raise OSError("the network is down")

    monkeypatch.setattr(studio.objects, "put", broken)
    with pytest.raises(OSError, match="the network is down"):
        render(Painter())


def failure(frame: int, reason: str, *, by_blender: bool) -> Failure:
    return Failure(frame=frame, reason=reason, by_blender=by_blender)


def test_what_blender_refuses_is_the_inputs_fault_and_what_kills_it_is_an_accident() -> None:
    refused = [failure(frame, "no camera", by_blender=True) for frame in (7, 8)]
    with pytest.raises(BlendError, match=r"^scene\.blend, frame 7-8: Blender says: no camera$") as caught:
        check("scene.blend", refused)
    assert caught.value.exit_code == 2
    with pytest.raises(RenderError, match="frame 7-9: no camera; signal SIGSEGV") as died:
        check("scene.blend", [*refused, failure(9, "signal SIGSEGV", by_blender=False)])
    assert died.value.exit_code == 1
    check("scene.blend", [])

"""The command line against a bucket: what a child reads, skips, writes and answers."""

import json
import os
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import msgspec
import pytest
from moto import mock_aws

from fanout.book import Position, encode_position
from fanout.market import Market
from fanout.plan import Plan, StagedFile, Work, write_plan
from fanout.prices import METHOD, SlicePrices
from fanout.s3 import Objects, S3Uri, sha256
from pricer.__main__ import main
from pricer.models import ModelDocument, Pilot
from tests.unit.pricer.books import market, position
from tests.unit.pricer.test_calibration import bundled_surface

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

OUTPUT = S3Uri("data", "desk/run")
POSITIONS = [position(index, coupon=0.04 + index / 1000) for index in range(5)]
PARAMETERS: dict[str, Any] = {
    "method": METHOD,
    "seed": 1,
    "targetStandardErrorBp": 100.0,
    "maxPaths": 4096,
    "greeks": False,
}


@pytest.fixture
def objects(monkeypatch: pytest.MonkeyPatch) -> Iterator[Objects]:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        client: S3Client = boto3.client("s3")
        client.create_bucket(Bucket=OUTPUT.bucket)
        yield Objects(client)


def staged(
    objects: Objects,
    positions: list[Position],
    *slices: int,
    snapshot: Market | None = None,
    surfaces: Sequence[str] = (),
) -> Plan:
    """A planned run, as the function that counts positions leaves it."""
    lines = [encode_position(each) + b"\n" for each in positions]
    offsets = array("Q", [sum(map(len, lines[:count])) for count in range(len(lines) + 1)])
    bodies = {
        "positions.jsonl": b"".join(lines),
        "positions.offsets": offsets.tobytes(),
        "market.json": msgspec.json.encode(snapshot or market()),
    }
    files = {}
    for name, body in bodies.items():
        objects.put(OUTPUT / name, body)
        found = objects.find(OUTPUT / name)
        assert found
        files[name] = StagedFile(etag=found.etag, size=len(body), sha256=sha256(body))
    work = Work(pipeline="montecarlo", inputs={}, slices=slices, parameters=PARAMETERS | {"surfaces": surfaces})
    plan = Plan.of(work, sources={}, files=files)
    write_plan(objects, OUTPUT, plan)
    return plan


def child(plan: Plan, index: int | None, monkeypatch: pytest.MonkeyPatch, plan_hash: str | None = None) -> int:
    monkeypatch.delenv("AWS_BATCH_JOB_ARRAY_INDEX", raising=False)
    if index is not None:
        monkeypatch.setenv("AWS_BATCH_JOB_ARRAY_INDEX", str(index))
    return main(["price", "-i", "s3://data/book.json", "-o", f"{OUTPUT}/", "-p", plan_hash or plan.hash])


def result(objects: Objects, plan: Plan, index: int) -> SlicePrices:
    return msgspec.json.decode(objects.get(plan.result(OUTPUT, index)), type=SlicePrices)


def test_children_write_the_prices_of_their_slices(objects: Objects, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = staged(objects, POSITIONS, 0, 2, 5)
    assert [child(plan, index, monkeypatch) for index in range(2)] == [0, 0]
    first, second = (result(objects, plan, index) for index in range(2))
    assert [price.index for price in first.prices] == [0, 1]
    assert [price.index for price in second.prices] == [2, 3, 4]
    assert (second.plan_hash, second.slice, second.start, second.stop) == (plan.hash, 1, 2, 5)
    assert all(0.5e7 < price.pv < 1.2e7 for price in (*first.prices, *second.prices))


def test_a_lone_job_prices_the_only_slice(objects: Objects, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = staged(objects, POSITIONS, 0, 5)
    assert child(plan, None, monkeypatch) == 0
    assert len(result(objects, plan, 0).prices) == 5


def test_a_retried_child_leaves_the_result_that_stands(objects: Objects, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = staged(objects, POSITIONS, 0, 2, 5)
    standing = msgspec.json.encode(SlicePrices(plan_hash=plan.hash, slice=1, start=2, stop=5, prices=()))
    objects.put(plan.result(OUTPUT, 1), standing)
    assert child(plan, 1, monkeypatch) == 0
    assert objects.get(plan.result(OUTPUT, 1)) == standing


def test_a_damaged_result_is_priced_anew(objects: Objects, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = staged(objects, POSITIONS, 0, 2, 5)
    objects.put(plan.result(OUTPUT, 1), b'{"schema":"stepbatch/pri')
    assert child(plan, 1, monkeypatch) == 0
    assert len(result(objects, plan, 1).prices) == 3


def test_a_plan_for_another_method_is_an_input_error(
    objects: Objects, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(PARAMETERS, "method", METHOD - 1)
    plan = staged(objects, POSITIONS, 0, 5)
    assert child(plan, 0, monkeypatch) == 2
    assert f"is for method {METHOD - 1}" in capsys.readouterr().err


def test_a_retry_gives_the_same_bytes(objects: Objects, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = staged(objects, POSITIONS, 0, 5)
    bodies = []
    for _ in range(2):
        assert child(plan, 0, monkeypatch) == 0
        bodies.append(objects.get(plan.result(OUTPUT, 0)))
        objects.delete(plan.result(OUTPUT, 0))
    assert bodies[0] == bodies[1]


def test_how_long_it_took_lies_beside_the_result(objects: Objects, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = staged(objects, POSITIONS, 0, 5)
    monkeypatch.setenv("AWS_BATCH_JOB_ATTEMPT", "2")
    assert child(plan, 0, monkeypatch) == 0
    _, notes = objects.get_annotated(plan.result(OUTPUT, 0))
    assert notes["attempt"] == "2"
    assert float(notes["seconds"]) > 0


def test_a_child_of_another_plan_is_an_input_error(
    objects: Objects, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = staged(objects, POSITIONS, 0, 5)
    assert child(plan, 0, monkeypatch, plan_hash="f" * 64) == 2
    assert "another run uses the same output URI" in capsys.readouterr().err


def test_a_child_beyond_the_slices_is_an_input_error(objects: Objects, monkeypatch: pytest.MonkeyPatch) -> None:
    assert child(staged(objects, POSITIONS, 0, 5), 1, monkeypatch) == 2


def test_a_book_that_was_replaced_is_an_input_error(objects: Objects, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = staged(objects, POSITIONS, 0, 5)
    objects.put(OUTPUT / "positions.jsonl", b"{}")
    assert child(plan, 0, monkeypatch) == 2
    assert objects.find(plan.result(OUTPUT, 0)) is None


def test_a_position_without_price_does_not_fail_the_child(objects: Objects, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = position(5, underlyings=[{"name": "STILL", "strike": 100.0}])
    plan = staged(objects, [*POSITIONS, broken], 0, 6)
    assert child(plan, 0, monkeypatch) == 0
    assert [each.index for each in result(objects, plan, 0).failed] == [5]


def test_a_told_child_stops_with_the_status_of_an_interruption(
    objects: Objects, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told(*_: Any) -> None:
        os.kill(os.getpid(), 15)

    plan = staged(objects, POSITIONS, 0, 5)
    monkeypatch.setattr("pricer.__main__.price_positions", told)
    assert child(plan, 0, monkeypatch) == 75
    assert objects.find(plan.result(OUTPUT, 0)) is None


def test_models_and_budget_are_decided_once_before_the_array(
    objects: Objects, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = staged(objects, POSITIONS, 0, 5)
    arguments = ["calibrate", "-i", "s3://data/book.json", "-o", str(OUTPUT), "-p", plan.hash]
    assert main(arguments) == 0
    body = objects.get(OUTPUT / "model.json")
    document = msgspec.json.decode(body, type=ModelDocument)
    assert document.plan_hash == plan.hash
    assert [(pilot.kind, pilot.trades, pilot.capped) for pilot in document.pilots] == [("gbm/3", 5, False)]
    assert main(arguments) == 0
    assert "model stands" in capsys.readouterr().err
    assert child(plan, 0, monkeypatch) == 0
    assert {price.paths for price in result(objects, plan, 0).prices} == {32 << document.pilots[0].log2_points}


def test_a_model_of_another_plan_is_not_used(objects: Objects, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = staged(objects, POSITIONS, 0, 5)
    other = ModelDocument(
        plan_hash="0" * 64,
        fits={},
        pilots=(Pilot(kind="gbm/3", trades=1, log2_points=2, standard_error_bp=9.0, capped=False),),
    )
    objects.put(OUTPUT / "model.json", msgspec.json.encode(other))
    assert child(plan, 0, monkeypatch) == 0
    assert {price.paths for price in result(objects, plan, 0).prices} == {32 << 6}


def test_children_without_a_model_calibrate_to_the_same_parameters(
    objects: Objects, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes = [position(index, underlyings=[{"name": "SX5E", "strike": 3400.0 + index}]) for index in range(2)]
    plan = staged(objects, notes, 0, 2, snapshot=bundled_surface(), surfaces=["SX5E"])
    assert child(plan, 0, monkeypatch) == 0
    alone = result(objects, plan, 0)
    objects.delete(plan.result(OUTPUT, 0))
    assert main(["calibrate", "-o", str(OUTPUT), "-p", plan.hash]) == 0
    assert child(plan, 0, monkeypatch) == 0
    together = result(objects, plan, 0)
    assert [price.pv for price in together.prices] == pytest.approx([price.pv for price in alone.prices], rel=1e-2)


def test_surfaces_that_no_position_needs_are_not_calibrated(objects: Objects) -> None:
    surface = bundled_surface().underlyings["SX5E"]
    snapshot = msgspec.structs.replace(market(), underlyings=market().underlyings | {"SX5E": surface})
    plan = staged(objects, POSITIONS, 0, 5, snapshot=snapshot)
    assert main(["calibrate", "-o", str(OUTPUT), "-p", plan.hash]) == 0
    assert msgspec.json.decode(objects.get(OUTPUT / "model.json"), type=ModelDocument).fits == {}


def local(tmp_path: Path, capsys: pytest.CaptureFixture[str], book: Any, *more: str) -> tuple[int, Any]:
    path = tmp_path / "book.json"
    path.write_text(json.dumps(book))
    status = main(["local", str(path), "--target-se-bp", "20", *more])
    out, err = capsys.readouterr()
    return status, json.loads(out) if out else err


def test_a_file_is_priced_without_any_cloud(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    notes = [{"notional": 1_000_000, "strike": strike, "barrier": 1.0} for strike in (3500, 3600)]
    status, report = local(tmp_path, capsys, {"positions": notes})
    assert (status, report["positions"], report["priced"], report["failed"]) == (0, 2, 2, [])
    assert report["totals"]["EUR"]["pv"] == pytest.approx(sum(price["pv"] for price in report["prices"]))
    assert 0 < report["totals"]["EUR"]["standardError"] < 2 * 2e-3 * 1_000_000
    again = local(tmp_path, capsys, {"positions": notes})[1]
    assert again["prices"] == report["prices"]


def test_a_file_of_which_nothing_or_not_all_has_a_price_says_so_by_its_status(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    market_file = tmp_path / "market.json"
    market_file.write_bytes(msgspec.json.encode(market()))
    raw = {key: value for key, value in json.loads(encode_position(position())).items() if key != "index"}
    notes = [raw | {"id": name, "underlyings": [{"name": name, "strike": 100.0}]} for name in ("STILL", "SMI")]
    for positions, expected, priced in ((notes, 3, 1), (notes[:1], 1, 0), (notes[1:], 0, 1)):
        status, report = local(tmp_path, capsys, {"positions": positions}, "--market", str(market_file))
        assert (status, report["priced"]) == (expected, priced)


def test_a_wrong_file_is_an_input_error_by_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, error = local(tmp_path, capsys, {"positions": [{"notional": -1, "strike": 3500, "barrier": 1.0}]})
    assert status == 2
    assert "positions[0].notional" in error


def test_a_missing_file_is_an_input_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["local", str(tmp_path / "none.json")]) == 2
    assert "none.json: No such file" in capsys.readouterr().err

"""Counting: everything is validated before anything is written, and the same work has the same name."""

import json
import struct
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

import count_positions
from fanout.errors import FanoutError, MarketError, PlanError, PortfolioError, RequestError, UriError
from fanout.s3 import Objects, S3Uri
from tests.unit.functions.conftest import EXAMPLES, Desk

POSITION = {"notional": 1e7, "strike": 3500, "barrier": 1.0}
WORKSHOP = json.loads((EXAMPLES / "workshop_portfolio.json").read_text())


@pytest.fixture(autouse=True)
def _own_client(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(count_positions, "objects", Objects(desk.client))


def count(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    counted: dict[str, Any] = count_positions.handler(event, context)
    return counted


def test_the_workshops_book_is_counted_and_staged(desk: Desk, request_of: Any, context: LambdaContext) -> None:
    counted = count(request_of(WORKSHOP), context)
    assert counted["positions"] == 48
    plan = desk.get("MCAutocallable/plan.json")
    assert plan["hash"] == counted["planHash"]
    assert plan["work"]["slices"][-1] == 48
    assert counted["slices"] == len(plan["work"]["slices"]) - 1 >= 2
    body = desk.client.get_object(Bucket="data", Key="MCAutocallable/positions.jsonl")["Body"].read()
    raw = desk.client.get_object(Bucket="data", Key="MCAutocallable/positions.offsets")["Body"].read()
    offsets = struct.unpack(f"<{len(raw) // 8}Q", raw)
    lines = [json.loads(body[start:stop]) for start, stop in pairwise(offsets)]
    assert sorted(line["index"] for line in lines) == list(range(48))


def test_the_same_work_has_the_same_name_wherever_its_input_lies(
    desk: Desk, request_of: Any, context: LambdaContext
) -> None:
    first = count(request_of(WORKSHOP), context)
    elsewhere = desk.put("deep/er/portfolio.json", WORKSHOP)
    second = count(request_of(WORKSHOP, inputUri=elsewhere, jobName="again"), context)
    assert second == first


@pytest.mark.parametrize(
    "changed", [{"seed": 2}, {"positionsPerJob": 1}, {"targetStandardErrorBp": 2}, {"maxPaths": 64}]
)
def test_work_with_other_parameters_has_another_name(
    request_of: Any, context: LambdaContext, changed: dict[str, Any]
) -> None:
    assert (
        count(request_of(WORKSHOP), context)["planHash"] != count(request_of(WORKSHOP, **changed), context)["planHash"]
    )


@pytest.mark.parametrize(("per_job", "slices"), [(1, 48), ("1", 48), (7, 7), (48, 1), (1000, 1)])
def test_positions_a_child_are_as_asked_for(request_of: Any, context: LambdaContext, per_job: Any, slices: int) -> None:
    assert count(request_of(WORKSHOP, positionsPerJob=per_job), context)["slices"] == slices


def test_more_positions_than_an_array_takes_become_more_positions_a_child(
    request_of: Any, context: LambdaContext
) -> None:
    book = {"name": "wide", "positions": WORKSHOP["positions"][:1] * 25_001}
    counted = count(request_of(book, positionsPerJob=1), context)
    assert (counted["positions"], counted["slices"]) == (25_001, 10_000)


SURFACE = json.loads((EXAMPLES / "eurostoxx50_2019-11-20_surface.json").read_text())


@pytest.mark.parametrize(("market", "book", "calibrate"), [(None, 1, False), (SURFACE, 1, True), (None, 700, True)])
def test_a_model_is_found_first_where_a_surface_or_a_large_book_asks_for_it(
    desk: Desk, request_of: Any, context: LambdaContext, market: Any, book: int, calibrate: bool
) -> None:
    more = {"marketUri": desk.put("market.json", market)} if market else {}
    positions = [POSITION | {"strike": 3000 + index} for index in range(book)]
    event = request_of({"positions": positions}, greeks=True, scenarios=True, **more)
    assert count(event, context)["calibrate"] is calibrate
    assert count(event | {"positionsPerJob": 1}, context)["calibrate"] is calibrate
    assert desk.get("MCAutocallable/plan.json")["work"]["parameters"]["surfaces"] == (["SX5E"] if market else [])


def test_a_surface_that_no_position_needs_asks_for_none(desk: Desk, request_of: Any, context: LambdaContext) -> None:
    flat = {"currency": "EUR", "spot": 3550.0, "model": "gbm", "volatility": {"type": "flat", "value": 0.2}}
    both = SURFACE | {"underlyings": {"DAX": SURFACE["underlyings"]["SX5E"], "SX5E": flat}}
    event = request_of({"positions": [POSITION]}, marketUri=desk.put("market.json", both))
    assert count(event, context)["calibrate"] is False
    assert desk.get("MCAutocallable/plan.json")["work"]["parameters"]["surfaces"] == []


def test_a_run_that_starts_again_is_no_longer_complete(desk: Desk, request_of: Any, context: LambdaContext) -> None:
    request = request_of(WORKSHOP)
    count(request, context)
    for name in ("manifest.json", "aggregate.json"):
        desk.put(f"MCAutocallable/{name}", {})
    count(request, context)
    assert "MCAutocallable/manifest.json" not in desk.listing()
    assert "MCAutocallable/aggregate.json" in desk.listing()  # the same work: still true
    count(request | {"seed": 2}, context)
    assert "MCAutocallable/aggregate.json" not in desk.listing()


REFUSED: list[tuple[str, Any, dict[str, Any], type[FanoutError], str]] = [
    ("not JSON", b"{", {}, PortfolioError, "line 1"),
    ("no positions", {"name": "b", "positions": []}, {}, PortfolioError, "positions"),
    (
        "a missing field",
        {"positions": [POSITION, {"notional": 1e7, "strike": 3500}]},
        {},
        PortfolioError,
        "positions[1]",
    ),
    ("not finite", b'{"positions": [{"notional": NaN, "strike": 1, "barrier": 1}]}', {}, PortfolioError, "NaN"),
    ("no notional", {"positions": [POSITION | {"notional": -5}]}, {}, PortfolioError, "positions[0].notional: -5"),
    ("a text", {"positions": [POSITION | {"barrier": "high"}]}, {}, PortfolioError, "positions[0].barrier"),
    ("an unknown key", {"positions": [POSITION | {"bariier": 1}]}, {}, PortfolioError, "bariier"),
    ("no such market", WORKSHOP, {"marketUri": "s3://data/none.json"}, UriError, "s3://data/none.json"),
    ("no such book", WORKSHOP, {"inputUri": "s3://data/none.json"}, UriError, "s3://data/none.json"),
    ("no such bucket", WORKSHOP, {"inputUri": "s3://nowhere/none.json"}, UriError, "nowhere"),
    ("a bucket for a book", WORKSHOP, {"inputUri": "s3://data"}, UriError, "s3://data"),
    ("no bucket for results", WORKSHOP, {"outputUri": "s3://nowhere/x"}, UriError, "nowhere"),
    ("a target beyond reason", WORKSHOP, {"targetStandardErrorBp": "inf"}, RequestError, "targetStandardErrorBp"),
    ("no URI", WORKSHOP, {"inputUri": "portfolio.json"}, UriError, "portfolio.json"),
    ("an unknown parameter", WORKSHOP, {"positonsPerJob": 1}, RequestError, "positonsPerJob"),
    ("none a child", WORKSHOP, {"positionsPerJob": 0}, RequestError, "positionsPerJob"),
    ("a name that Batch refuses", WORKSHOP, {"jobName": "my job"}, RequestError, "my job"),
    ("no input at all", WORKSHOP, {"inputUri": None}, RequestError, "inputUri"),
]


@pytest.mark.parametrize(
    ("book", "more", "error", "named"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
def test_bad_input_is_refused_by_name_and_nothing_is_written(
    desk: Desk,
    request_of: Any,
    context: LambdaContext,
    book: Any,
    more: dict[str, Any],
    error: type[FanoutError],
    named: str,
) -> None:
    with pytest.raises(error) as refused:
        count(request_of(book, **more), context)
    assert named in str(refused.value)
    assert desk.listing() == ["portfolio.json"]


@pytest.mark.parametrize(
    ("field", "key"), [("inputUri", "positions.jsonl"), ("marketUri", "market.json"), ("inputUri", "results/0/0.json")]
)
def test_an_input_where_the_run_writes_is_refused_and_left_alone(
    desk: Desk, request_of: Any, context: LambdaContext, field: str, key: str
) -> None:
    request = request_of(WORKSHOP) | {field: desk.put(f"MCAutocallable/{key}", WORKSHOP)}
    with pytest.raises(RequestError, match=rf"input\.{field}: .* is where this run writes"):
        count(request, context)
    assert desk.get(f"MCAutocallable/{key}") == WORKSHOP


def test_a_book_that_another_run_replaces_while_it_is_staged_is_noticed(
    desk: Desk, request_of: Any, context: LambdaContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Overtaken(Objects):
        def upload(self, path: Path, uri: S3Uri, *rest: Any, **more: Any) -> None:
            super().upload(path, uri, *rest, **more)
            self.put(uri, b"another run's")

    monkeypatch.setattr(count_positions, "objects", Overtaken(desk.client))
    with pytest.raises(PlanError, match="another run uses the same output URI"):
        count(request_of(WORKSHOP), context)
    assert "MCAutocallable/plan.json" not in desk.listing()


def test_a_damaged_market_is_refused(desk: Desk, request_of: Any, context: LambdaContext) -> None:
    market = desk.put("market.json", {"schema": "stepbatch/market/1"})
    with pytest.raises(MarketError):
        count(request_of(WORKSHOP, marketUri=market), context)

"""What ``stepbatch run montecarlo`` asks for and shows."""

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from fanout.errors import MarketError, PortfolioError
from fanout.s3 import S3Uri
from stepbatch.errors import UsageError
from stepbatch.pipelines.montecarlo import MonteCarlo, positions_per_job

INPUTS, OUTPUT = S3Uri("data", "runs/r/input"), S3Uri("data", "runs/r/output")
FAILED = [{"index": 17, "id": "N17", "reason": "slice 2: exit code 1"}]
TOTALS = {
    "EUR": {"pv": 1234567.891, "standardError": 12.5, "positions": 2},
    "USD": {"pv": -5.25, "standardError": 0.5, "positions": 1},
}
CSV = """index,id,side,underlyings,strikes,currency,notional,pv,standardError,pvPercent,paths
0,small,long,SX5E,3500,EUR,100,98.5,0.1,98.5,64
1,'=large[b],short,SX5E+SMI,3500+100,EUR,1000000,-991234.5,12.0,-99.12345,64
"""


def test_what_is_not_given_is_left_to_the_pipeline() -> None:
    assert MonteCarlo(portfolio=Path("book.json")).request(INPUTS, OUTPUT) == {
        "jobName": "book",
        "inputUri": "s3://data/runs/r/input/book.json",
        "outputUri": "s3://data/runs/r/output",
    }


def test_what_is_given_is_asked_for_even_if_it_is_nought() -> None:
    pipeline = MonteCarlo(
        portfolio=Path("b.json"), market=Path("m.json"), positions_per_job="auto", target_standard_error_bp=0.5,
        max_paths=1024, greeks=True, scenarios=True, tolerated_failure_percentage=0.0, seed=0,
    )  # fmt: skip
    request = pipeline.request(INPUTS, OUTPUT)
    assert request["marketUri"] == "s3://data/runs/r/input/market.json"
    assert pipeline.files() == {"book.json": Path("b.json"), "market.json": Path("m.json")}
    assert {
        name: request[name] for name in request if name not in {"jobName", "inputUri", "outputUri", "marketUri"}
    } == {
        "positionsPerJob": "auto",
        "targetStandardErrorBp": 0.5,
        "maxPaths": 1024,
        "greeks": True,
        "scenarios": True,
        "toleratedFailurePercentage": 0.0,
        "seed": 0,
    }


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("sample_book.json", "sample_book"),
        ("Q4 büro (2).json", "Q4-b-ro-2"),
        ("-_.json", "montecarlo"),
        ("x" * 200, "x" * 118),
    ],
)
def test_the_job_is_called_after_the_book_by_the_rules_of_batch(file: str, name: str) -> None:
    assert MonteCarlo(portfolio=Path(file)).job_name == name


@pytest.mark.parametrize(("text", "value"), [(None, None), ("auto", "auto"), ("1", 1), ("250", 250)])
def test_positions_per_job_is_a_count_or_auto(text: str | None, value: int | str | None) -> None:
    assert positions_per_job(text) == value


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "many", "", "٣", "²"])
def test_another_positions_per_job_is_refused_by_its_value(text: str) -> None:
    with pytest.raises(UsageError, match=f"--positions-per-job {text}:"):
        positions_per_job(text)


def test_a_book_that_is_read_once_is_uploaded_from_its_copy_and_called_book() -> None:
    pipeline = MonteCarlo(portfolio=Path("-"), market=Path("m"), copied={Path("-"): Path("/tmp/copy")})
    assert pipeline.job_name == "book"
    assert pipeline.files() == {"book.json": Path("/tmp/copy"), "market.json": Path("m")}


def test_what_is_wrong_with_a_file_is_told_with_its_name(tmp_path: Path) -> None:
    book, market = tmp_path / "book.json", tmp_path / "market.json"
    book.write_text('{"positions": [{"notional": -5, "strike": 3500, "barrier": 1}]}')
    market.write_text("{}")
    with pytest.raises(PortfolioError, match=re.escape(f"{book}: positions[0].notional: -5 is not above 0")):
        MonteCarlo(portfolio=book).check()
    with pytest.raises(MarketError, match=re.escape(f"{market}: schema: is missing")):
        MonteCarlo(portfolio=book, market=market).check()
    with pytest.raises(UsageError, match=re.escape(f"{tmp_path}: Is a directory")):
        MonteCarlo(portfolio=book, market=tmp_path).check()


def test_the_summary_for_scripts_has_the_value_by_currency(tmp_path: Path) -> None:
    aggregate = {"positions": 3, "priced": 3, "totals": TOTALS, "pv": 1.0, "missedTarget": 0, "byStrike": {}}
    (tmp_path / "aggregate.json").write_text(json.dumps(aggregate))
    summary = MonteCarlo(portfolio=Path("b")).summary(tmp_path)
    assert summary == {key: aggregate[key] for key in ("positions", "priced", "totals", "pv", "missedTarget")}


def shown(out: Path, **aggregate: Any) -> str:
    document = {"book": "book", "positions": 3, "priced": 2, "failed": FAILED, "totals": TOTALS} | aggregate
    (out / "aggregate.json").write_text(json.dumps(document))
    file = io.StringIO()
    MonteCarlo(portfolio=Path("b")).show(out, Console(file=file, width=160, markup=False))
    return file.getvalue()


def test_totals_largest_positions_and_those_without_a_price_are_shown(tmp_path: Path) -> None:
    (tmp_path / "positions.csv").write_text(CSV)
    text = shown(tmp_path)
    assert "book: 2 of 3 positions priced" in text
    assert "1,234,568" in text
    assert "-5.25" in text
    assert text.index("\n=large[b] ") < text.index("\nsmall ")
    assert "-1,000,000" in text
    assert "positions[17] N17: slice 2: exit code 1" in text
    assert f"files: {tmp_path} (positions.csv, aggregate.json)" in text
    assert "all, in" not in text


def test_one_total_is_shown_where_the_currencies_have_one(tmp_path: Path) -> None:
    text = shown(tmp_path, currency="EUR", pv=7777777.0, standardError=13.0)
    assert "all, in EUR" in text
    assert "7,777,777" in text


def test_sensitivities_and_scenarios_of_the_book_are_shown_where_they_were_asked_for(tmp_path: Path) -> None:
    greeks = {"deltaPercent": {"value": 1234.5}, "gammaPercent": {"value": -6.0}, "vega": {"value": -78.25}}
    risk = {"rho": {"EUR": {"value": -9.0}, "USD": {"value": 0.25}}, "underlyings": {"SX5E": {"EUR": greeks}}}
    scenarios = {"spotFactors": [0.9, 1.0], "volatilityChanges": [-0.05, 0.0], "pv": {"EUR": [[1e6, 2e6], [3e6, 4e6]]}}
    text = shown(tmp_path, risk=risk, scenarios=scenarios)
    lines = [line.split() for line in text.splitlines()]
    assert ["SX5E", "EUR", "1,234.50", "-6", "-78.25"] in lines
    assert "rho, 1 bp: EUR -9, USD 0.25" in text
    assert ["spot", "volatility", "-5", "volatility", "+0"] in lines
    assert ["-10", "%", "1,000,000", "3,000,000"] in lines

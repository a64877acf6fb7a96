"""Commands that need no cloud."""

import json

from tests.local.cli.conftest import BOOK, Stepbatch


def test_help_does_not_wait_for_boto3(alone: Stepbatch) -> None:
    alone.environment |= {"PYTHONPROFILEIMPORTTIME": "1"}
    answer = alone("--help")
    assert answer.returncode == 0
    imported = {line.rpartition("|")[2].strip() for line in answer.stderr.splitlines()}
    assert "typer" in imported
    assert not imported & {"boto3", "botocore.session", "numpy", "stepbatch.runner"}
    for command in ("up", "run", "watch", "attempts", "logs", "retry", "verify", "invoke", "price", "schema"):
        assert f"\n  {command} " in answer.stdout


def test_a_book_is_priced_at_once(alone: Stepbatch) -> None:
    answer = alone("price", BOOK, "--max-paths", "4096")
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout)["priced"] == 48


def test_a_wrong_book_is_refused_at_once(alone: Stepbatch) -> None:
    (alone.folder / "book.json").write_text("{")
    answer = alone("price", "book.json")
    assert answer.returncode == 2
    assert "PortfolioError" in answer.stderr


def test_a_schema_is_printed_by_name(alone: Stepbatch) -> None:
    assert json.loads(alone("schema", "market").stdout)["title"] == "stepbatch market"
    answer = alone("schema", "nothing")
    assert answer.returncode == 2
    assert "there is no schema 'nothing'; there are: book, market" in answer.stderr


def test_a_command_about_a_cloud_says_how_to_name_one(alone: Stepbatch) -> None:
    answer = alone("watch", "anything")
    assert answer.returncode == 2
    assert "source .stepbatch/env" in answer.stderr


def test_a_directory_without_a_complete_run_is_not_verified(alone: Stepbatch) -> None:
    answer = alone("verify", ".")
    assert answer.returncode == 1
    assert "has no manifest.json" in answer.stderr
    assert alone("verify", "absent").returncode == 2


def test_wrong_usage_ends_2(alone: Stepbatch) -> None:
    assert alone("run", "montecarlo").returncode == 2
    assert alone("run", "montecarlo", "--portfolio", BOOK, "--positions-per-job", "none").returncode == 2
    assert alone("run", "montecarlo", "--portfolio", BOOK, "--stack", "blue").returncode == 2
    on_aws = alone("run", "montecarlo", "--portfolio", BOOK, "--interrupt", "1", "--aws")
    assert on_aws.returncode == 2
    assert "--interrupt 1 is of a local cloud; on AWS" in on_aws.stderr
    assert list(alone.folder.iterdir()) == []


def test_a_dry_run_counts_the_book_and_starts_nothing(alone: Stepbatch) -> None:
    answer = alone("run", "montecarlo", "--portfolio", BOOK, "--seed", "7", "--dry-run")
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.startswith("montecarlo: 48 positions, 8 distinct trades, 1 path set\n")
    assert '"seed": 7' in answer.stdout
    (alone.folder / "book.json").write_text('{"positions": []}')
    answer = alone("run", "montecarlo", "--portfolio", "book.json", "--dry-run")
    assert answer.returncode == 2
    assert "stepbatch: PortfolioError: " in answer.stderr
    assert [path.name for path in alone.folder.iterdir()] == ["book.json"]

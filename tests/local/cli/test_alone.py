"""Commands that need no cloud."""

import json
import os
import subprocess

from tests.local.cli.conftest import BOOK, COMMAND, DEADLINE, Stepbatch


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
    assert "stepbatch: PortfolioError: book.json: book: is not JSON at line 1" in answer.stderr


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


def test_numbers_that_no_run_can_have_are_refused_by_option_and_value(alone: Stepbatch) -> None:
    (alone.folder / "taken").mkdir()
    (alone.folder / "taken/results.csv").write_text("mine")
    for option, value, problem in (
        ("--target-se-bp", "nan", "nan is not a number from 1e-06 to 10000.0"),
        ("--target-se-bp", "0", "0.0 is not a number from"),
        ("--target-se-bp", "inf", "inf is not a number from"),
        ("--max-paths", "3", "3 is not a number from 32 to 1099511627776"),
        ("--seed", str(2**60), f"{2**60} is not a number from 0 to {2**53}"),
        ("--tolerated-failure-percentage", "nan", "nan is not a number"),
        ("--out", "", "it is empty: name a directory"),
        ("--market", "", "it is empty: name a file"),
        ("--out", "taken", "--out taken is not empty and holds no run of stepbatch (results.csv)"),
    ):
        answer = alone("run", "montecarlo", "--portfolio", BOOK, "--dry-run", option, value)
        assert answer.returncode == 2, (option, value)
        assert problem in answer.stderr, answer.stderr
        assert answer.stdout == ""
    assert alone("price", BOOK, "--target-se-bp", "nan").returncode == 2
    assert [path.name for path in alone.folder.iterdir()] == ["taken"]


def test_a_reader_who_leaves_ends_a_command_in_silence_and_a_full_disk_with_a_line(alone: Stepbatch) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    for command in (["schema", "market"], ["price", BOOK, "--max-paths", "4096"], ["--help"]):
        left = subprocess.run([COMMAND, *command], stdout=writer, stderr=subprocess.PIPE, timeout=DEADLINE)
        assert (left.returncode, left.stderr) == (141, b"")
    os.close(writer)
    full = shell(alone, f"{COMMAND} price {BOOK} --max-paths 4096 > /dev/full")
    assert full.returncode == 1
    assert full.stderr == "stepbatch: stdout cannot be written: No space left on device\n"
    assert shell(alone, f"{COMMAND} verify absent 2> /dev/full").returncode == 1


def test_a_book_may_come_through_a_pipe(alone: Stepbatch) -> None:
    for file in ("-", "/dev/stdin", f"<(cat {BOOK})"):
        counted = shell(alone, f"cat {BOOK} | {COMMAND} run montecarlo --portfolio {file} --dry-run")
        assert counted.returncode == 0, counted.stderr
        assert counted.stdout.startswith("montecarlo: 48 positions")
        assert '"jobName": "book"' in counted.stdout
    priced = shell(alone, f"cat {BOOK} | {COMMAND} price - --max-paths 4096 --greeks")
    assert priced.returncode == 0, priced.stderr
    assert all("risk" in price for price in json.loads(priced.stdout)["prices"])


def test_a_file_that_cannot_be_read_to_its_end_is_named(alone: Stepbatch) -> None:
    for command in (("price",), ("run", "montecarlo", "--dry-run", "--portfolio")):
        answer = alone(*command, "/proc/self/mem")
        assert (answer.returncode, answer.stderr) == (2, "stepbatch: /proc/self/mem: Input/output error\n")


def shell(alone: Stepbatch, command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", command],
        cwd=alone.folder,
        env=alone.environment,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
    )

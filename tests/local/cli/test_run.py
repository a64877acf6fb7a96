"""``stepbatch run`` and the commands about runs, on a local cloud that is up."""

import json
import re
from pathlib import Path

from tests.local.cli.conftest import BOOK, EXAMPLES, REPOSITORY, Stepbatch, until
from tests.local.cloud_process import Cloud

QUICK = ("--max-paths", "4096")
SLOW = ("--target-se-bp", "0.3", "--max-paths", str(2**21))  # a few seconds a slice
SLOWER = ("--target-se-bp", "0.1", "--max-paths", str(2**22))  # long enough to be caught at it on any machine


def execution(stderr: str) -> str:
    [arn] = re.findall(r"^montecarlo: (arn:\S+)$", stderr, re.MULTILINE)
    return str(arn)


def test_a_book_is_priced_and_its_files_are_what_the_manifest_lists(beside: Stepbatch) -> None:
    ran = beside("run", "montecarlo", "--portfolio", BOOK, "--out", "desk", *QUICK)
    assert ran.returncode == 0, ran.stderr
    assert "48 of 48 positions priced" in ran.stdout
    assert "EUR" in ran.stdout
    aggregate = json.loads((beside.folder / "desk/aggregate.json").read_text())
    assert aggregate["complete"] is True
    assert len(aggregate["byStrike"]) == 5
    verified = beside("verify", "desk")
    assert verified.returncode == 0, verified.stdout
    (beside.folder / "desk/positions.csv").write_text("tampered")
    (beside.folder / "desk/extra").write_text("")
    verified = beside("verify", "desk")
    assert verified.returncode == 1
    assert re.search(r"^positions\.csv: 8 bytes, the manifest says \d+$", verified.stdout, re.MULTILINE)
    assert "extra: stray" in verified.stdout


def test_json_tells_of_the_run_and_its_jobs_can_be_looked_at(beside: Stepbatch) -> None:
    sample = ("--portfolio", EXAMPLES / "sample_book.json", "--market", EXAMPLES / "sample_market.json")
    ran = beside("run", "montecarlo", *sample, "--positions-per-job", "10", "--out", "desk", "--json", *QUICK)
    assert ran.returncode == 0, ran.stderr
    document = json.loads(ran.stdout)
    assert document["status"] == "complete"
    assert document["out"] == "desk"
    assert document["error"] is None
    [job] = document["jobs"]
    assert job["succeeded"] == job["size"] == job["attempts"] >= 2
    assert job["failed"] == 0

    name = document["executionArn"].rpartition(":")[2]
    watched = beside("watch", name)
    assert watched.returncode == 0, watched.stderr
    assert json.loads(watched.stdout)["status"] == "COMPLETE"
    assert f"Price positions: {job['size']}/{job['size']} done" in watched.stderr

    tried = beside("attempts", job["jobId"])
    assert tried.stdout == f"{job['size']} of {job['size']} children succeeded at the first attempt\n"
    tried = beside("attempts", f"{job['jobId']}:1")
    assert f"attempts of {job['jobId']}:1" in tried.stdout
    assert re.search(r"^ +1 +1 +0 ", tried.stdout, re.MULTILINE)

    logged = beside("logs", f"{job['jobId']}:1")
    assert logged.returncode == 0, logged.stderr
    assert "slice=1" in logged.stdout
    logged = beside("logs", job["jobId"])
    assert logged.returncode == 2
    assert f"{job['jobId']} is an array: name one of its children" in logged.stderr

    again = beside("retry", document["executionArn"])
    assert again.returncode == 0, again.stderr
    retried = re.findall(r"^started (\S+)$", again.stderr, re.MULTILINE)
    assert retried != [document["executionArn"]]


def test_a_wrong_book_is_refused_by_place_and_value_and_nothing_is_left(beside: Stepbatch) -> None:
    (beside.folder / "book.json").write_text('{"positions": [{"notional": 1e6, "strike": 3500, "barrier": -0.2}]}')
    ran = beside("run", "montecarlo", "--portfolio", "book.json", "--out", "desk")
    assert ran.returncode == 2
    assert "PortfolioError\nbook.json: positions[0].barrier: -0.2 is not above 0" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert ran.stdout == ""
    assert not (beside.folder / "desk").exists()


def killed_child(beside: Stepbatch, cloud: Cloud, *more: str) -> tuple[int, str, str]:
    """A run of two children of which the first is terminated: exit status, stdout, stderr."""
    book = [
        {"notional": 1_000_000, "strike": 3500, "barrier": 1.0},
        {"notional": 1_000_000, "strike": 10, "barrier": 1.0},
    ]
    (beside.folder / "book.json").write_text(json.dumps({"positions": book}))
    arguments = ("--portfolio", "book.json", "--positions-per-job", "1", "--out", "desk", "--json")
    process = beside.begin("run", "montecarlo", *arguments, *SLOWER, *more)
    until(lambda: "Price positions: job" in beside.stderr, "the array is submitted")
    [job_id] = re.findall(r"job (\S+)$", beside.stderr, re.MULTILINE)
    until(lambda: "pricing slice=0" in beside("logs", f"{job_id}:0").stdout, "the first child prices")
    cloud.client("batch").terminate_job(jobId=f"{job_id}:0", reason="the desk needs the machine")
    stdout, _ = process.communicate()
    return process.returncode, stdout, beside.stderr


def test_a_child_that_dies_makes_the_run_red_by_index_reason_and_log(beside: Stepbatch, cloud: Cloud) -> None:
    status, stdout, stderr = killed_child(beside, cloud)
    assert status == 1
    document = json.loads(stdout)
    assert document["status"] == "failed"
    assert document["error"]["error"] == "ResultsIncompleteError"
    assert document["jobs"][0]["failed"] == 1
    assert "Price positions: 1 of 2 failed: children 0" in stderr
    assert "the desk needs the machine" in stderr
    assert re.search(r"^    \| pricing slice=0", stderr, re.MULTILINE)
    assert not (beside.folder / "desk/manifest.json").exists()
    assert (beside.folder / "desk/aggregate.json").exists()


def test_a_child_that_dies_makes_the_run_partial_where_that_is_tolerated(beside: Stepbatch, cloud: Cloud) -> None:
    status, stdout, stderr = killed_child(beside, cloud, "--tolerated-failure-percentage", "50")
    assert status == 3
    assert json.loads(stdout)["status"] == "partial"
    assert "1 of 2 positions priced" in stderr
    assert "1 position without a price, in no total" in stderr


def test_children_that_are_reclaimed_are_tried_again_and_the_run_completes(beside: Stepbatch) -> None:
    arguments = ("--positions-per-job", "12", "--out", "desk", "--json", "--interrupt", "2")
    ran = beside("run", "montecarlo", "--portfolio", BOOK, *arguments, *SLOW)
    assert ran.returncode == 0, ran.stderr
    document = json.loads(ran.stdout)
    assert document["status"] == "complete"
    reclaimed = re.findall(r"^reclaimed the host of (\S+)$", ran.stderr, re.MULTILINE)
    assert len(set(reclaimed)) == 2
    assert sum(job["attempts"] - job["size"] for job in document["jobs"]) == 2
    for job_id in reclaimed:
        tried = beside("attempts", job_id)
        assert tried.returncode == 0, tried.stderr
        rows = [line for line in tried.stdout.splitlines() if re.match(r" +\d* +[12] ", line)]
        assert len(rows) == 2, tried.stdout
        assert re.search(r"Host EC2 \(instance i-[0-9a-f]{17}\) terminated\.", rows[0])
        assert re.match(r" +\d* +2 +0 ", rows[1])
        assert rows[0].strip() in ran.stderr
    assert beside("verify", "desk").returncode == 0


def test_a_function_is_invoked_by_its_logical_id(beside: Stepbatch, cloud: Cloud) -> None:
    bucket = cloud.outputs["BucketName"]
    cloud.client("s3").put_object(Bucket=bucket, Key="invoked.json", Body=BOOK.read_bytes())
    event = json.loads((Path(__file__).parents[3] / "events/count_positions.json").read_text())
    event |= {"inputUri": f"s3://{bucket}/invoked.json", "outputUri": f"s3://{bucket}/invoked"}
    answer = beside("invoke", "CountPositionsFunction", "-e", "-", stdin=json.dumps(event))
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout)["positions"] == 48
    event["inputUri"] = f"s3://{bucket}/absent.json"
    answer = beside("invoke", "CountPositionsFunction", "-e", "-", stdin=json.dumps(event))
    assert answer.returncode == 2
    assert json.loads(answer.stdout)["errorType"] == "UriError"
    assert "absent.json: there is no such object" in answer.stderr
    answer = beside("invoke", "NoSuchFunction", "-e", "-", stdin="{}")
    assert answer.returncode == 1
    assert "NoSuchFunction" in answer.stderr


def test_a_position_is_priced_at_once_by_its_function(beside: Stepbatch) -> None:
    event = REPOSITORY / "events/price_position.json"
    answer = beside("invoke", "PricePositionFunction", "-e", event)
    assert answer.returncode == 0, answer.stderr
    prices = json.loads(answer.stdout)["prices"]
    assert [price["currency"] for price in prices] == ["EUR", "EUR"]
    assert all(0 < price["percentStandardError"] <= 0.0125 for price in prices)
    wrong = json.loads(event.read_text()) | {"maxPaths": 3}
    answer = beside("invoke", "PricePositionFunction", "-e", "-", stdin=json.dumps(wrong))
    assert answer.returncode == 2
    assert "RequestError: event.maxPaths: 3 is below 32" in answer.stderr


def test_what_is_not_there_is_named(beside: Stepbatch) -> None:
    for arguments, text in {
        ("watch", "nothing"): "there is no execution 'nothing'",
        ("attempts", "nothing"): "there is no job 'nothing'",
        ("logs", "nothing"): "there is no job 'nothing'",
        ("run", "montecarlo", "--portfolio", "absent.json"): "absent.json: No such file or directory",
        ("run", "montecarlo", "--portfolio", str(BOOK), "--workers", "2"): "--workers 2 is of a private local cloud",
        ("run", "montecarlo", "--portfolio", str(BOOK), "--aws"): "--aws contradicts AWS_ENDPOINT_URL",
    }.items():
        ran = beside(*arguments)
        assert ran.returncode == 2, ran.stderr
        assert text in ran.stderr
        assert list(beside.folder.glob("out*/*")) == []

"""Python packages run in forks of a warm server, and cannot tell."""

import os
import signal
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.processes import alive, eventually

if TYPE_CHECKING:
    from tests.local.batch.conftest import Batch

type Run = Callable[..., dict[str, Any]]


@pytest.fixture
def package(batch: "Batch") -> Callable[..., None]:
    """Write modules of a package and define a job for it: ``package("name", __main__=..., other=...)``."""

    def write(name: str, **sources: str) -> None:
        directory = batch.packages / name
        directory.mkdir(exist_ok=True)
        (directory / "__init__.py").touch()
        for module, source in sources.items():
            (directory / f"{module}.py").write_text(textwrap.dedent(source))
        batch.define(name, f"{name}:latest")

    return write


@pytest.fixture
def run(batch: "Batch") -> Run:
    def run(name: str, *arguments: str, **body: Any) -> dict[str, Any]:
        overrides = {"command": list(arguments), **body.pop("containerOverrides", {})}
        return batch.finish(batch.submit(jobDefinition=name, containerOverrides=overrides, **body))

    return run


def test_main_runs_afresh_in_every_child_with_its_arguments(batch: "Batch", package: Any, run: Run) -> None:
    package("echo", __main__="import sys\nprint(__name__, __package__, sys.argv[1:], sys.argv[0])")
    job = run("echo", "a", "b c")
    assert batch.log(job) == [f"__main__ echo ['a', 'b c'] {batch.packages}/echo/__main__.py"]
    assert batch.log(run("echo"))[0].startswith("__main__ echo []")


def test_other_modules_are_imported_once_a_server(batch: "Batch", package: Any, run: Run) -> None:
    package(
        "counted", slow="import os\nimporter = os.getpid()", __main__="from counted import slow; print(slow.importer)"
    )
    assert batch.log(run("counted")) == batch.log(run("counted"))


def test_what_a_child_changes_no_other_child_sees(batch: "Batch", package: Any, run: Run) -> None:
    package(
        "scribbler",
        state="seen = []",
        __main__="""
            import os, sys
            from scribbler import state
            print(state.seen, os.environ.get("SCRIBBLE"), os.listdir("."))
            state.seen.append(1)
            os.environ["SCRIBBLE"] = "1"
            open("file", "w").close()
        """,
    )
    for _ in range(2):
        assert batch.log(run("scribbler")) == ["[] None []"]


@pytest.mark.parametrize("environment", ["os.environ", "{**os.environ}"])
def test_a_module_that_asks_for_its_index_while_it_is_imported_gets_its_own(
    batch: "Batch", package: Any, run: Run, environment: str
) -> None:
    package(
        "eager",
        settings=f"""
            import os
            INDEX = {environment}.get("AWS_BATCH_JOB_ARRAY_INDEX", "none")
        """,
        __main__="from eager.settings import INDEX; print(INDEX)",
    )
    job = run("eager", arrayProperties={"size": 3})
    assert [batch.log(batch.describe(f"{job['jobId']}:{index}")) for index in range(3)] == [["0"], ["1"], ["2"]]


def test_a_library_that_looks_for_proxies_makes_no_child_import_the_package_anew(
    batch: "Batch", package: Any, run: Run
) -> None:
    package(
        "client",
        http="import os, urllib.request\nurllib.request.getproxies()\nimporter = os.getpid()",
        __main__="from client import http; print(http.importer)",
    )
    assert batch.log(run("client")) == batch.log(run("client"))


def test_what_a_child_shares_with_its_server_is_looked_at_without_being_written_to(
    batch: "Batch", package: Any, run: Run
) -> None:
    package(
        "counting",
        shared="table = {'key': ['value', 2.5]}\ndef constants(): return ('a', 'b c')",
        __main__="""
            import sys
            from counting import shared
            own = ["own"]
            things = (shared, shared.table, shared.table["key"], shared.table["key"][1], shared.constants.__code__,
                      shared.constants())
            print({sys.getrefcount(thing) == sys.getrefcount(None) for thing in things}, sys.getrefcount(own) < 5)
        """,
    )
    assert batch.log(run("counting")) == ["{True} True"]


def test_a_module_that_reads_declared_variables_sees_those_of_its_own_job(
    batch: "Batch", package: Any, run: Run
) -> None:
    package(
        "declared",
        settings="import os\nMODE = os.environ.get('MODE')",
        __main__="from declared.settings import MODE; print(MODE)",
    )
    for mode in ("fast", "slow", "fast"):
        job = run("declared", containerOverrides={"environment": [{"name": "MODE", "value": mode}]})
        assert batch.log(job) == [mode]


def test_an_edited_module_is_imported_again(
    batch: "Batch", package: Any, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("localcloud.batch.pool.LOOK_AGAIN", 0)
    package("edited", text="TEXT = 'before'", __main__="from edited.text import TEXT; print(TEXT)")
    assert batch.log(run("edited")) == ["before"]
    package("edited", text="TEXT = 'afterwards'")
    assert batch.log(run("edited")) == ["afterwards"]


@pytest.mark.parametrize(
    ("source", "code", "line"),
    [
        ("pass", 0, None),
        ("import sys; sys.exit()", 0, None),
        ("import sys; sys.exit(75)", 75, None),
        ("import sys; sys.exit('no such book')", 1, "no such book"),
        ("raise ValueError('bad input')", 1, "ValueError: bad input"),
        ("import os; os._exit(9)", 9, None),
        ("import os; os.kill(os.getpid(), 9)", 137, None),
        ("import os; os.kill(os.getpid(), 15)", 143, None),
        ("def f(:", 1, "SyntaxError: invalid syntax"),
        ("import nowhere", 1, "ModuleNotFoundError: No module named 'nowhere'"),
        ("import sys; print('bye'); sys.stdout.close()", 0, "bye"),
        ("import sys; print('bye'); sys.stdout = sys.stderr = None", 0, "bye"),
        ("import atexit; atexit.register(lambda: 1 / 0)", 0, "ZeroDivisionError: division by zero"),
    ],
)
def test_a_program_ends_as_it_would_by_itself(
    batch: "Batch", package: Any, run: Run, source: str, code: int, line: str | None
) -> None:
    package("ending", __main__=source)
    job = run("ending")
    assert job["container"]["exitCode"] == code
    assert batch.log(job)[-1:] == ([line] if line else [])


def test_a_traceback_shows_the_program_and_nothing_of_the_server(batch: "Batch", package: Any, run: Run) -> None:
    package("raising", __main__="def work():\n    raise KeyError('x')\nwork()")
    log = batch.log(run("raising"))
    assert log[0] == "Traceback (most recent call last):"
    assert log[1] == f'  File "{batch.packages}/raising/__main__.py", line 3, in <module>'
    assert not any("warm.py" in line or "forkserver" in line for line in log)


def test_exit_handlers_threads_and_buffers_are_seen_to(batch: "Batch", package: Any, run: Run) -> None:
    package(
        "orderly",
        __main__="""
            import atexit, sys, threading
            done = threading.Event()
            atexit.register(print, "handler")
            threading.Thread(target=lambda: (done.wait(0.05), print("thread"))).start()
            sys.stdout.write("no newline ")
        """,
    )
    assert batch.log(run("orderly")) == ["no newline thread", "handler"]


def test_a_pool_of_threads_that_nobody_shut_down_does_not_keep_a_job(batch: "Batch", package: Any, run: Run) -> None:
    package(
        "pooled",
        __main__="""
            import concurrent.futures
            threads = concurrent.futures.ThreadPoolExecutor(2)
            threads.submit(print, "worked")
        """,
    )
    assert batch.log(run("pooled")) == ["worked"]


def test_two_children_do_not_share_random_numbers(batch: "Batch", package: Any, run: Run) -> None:
    package("random_", __main__="import random, numpy.random\nprint(random.random(), numpy.random.rand())")
    first, second = (batch.log(run("random_"))[0].split() for _ in range(2))
    assert first[0] != second[0]
    assert first[1] != second[1]


def test_a_package_whose_import_crashes_fails_in_its_own_log(batch: "Batch", package: Any, run: Run) -> None:
    package("crashing", native="import os\nos.abort()", __main__="print('here', flush=True); import crashing.native")
    job = run("crashing")
    assert job["container"]["exitCode"] == 134
    assert batch.log(job)[0] == "here"


IMPORTED_FOR_EVER = "import os, time\nos.environ.get('AWS_BATCH_JOB_ID') or time.sleep(3600)"  # in the server


def test_a_job_whose_package_is_imported_for_ever_can_be_terminated(batch: "Batch", package: Any) -> None:
    package("endless", waiting=IMPORTED_FOR_EVER, __main__="import endless.waiting")
    job_id = batch.submit(jobDefinition="endless", retryStrategy={"attempts": 3})
    batch.service.handle("terminatejob", {"jobId": job_id, "reason": "enough"})
    job = batch.finish(job_id)
    assert (job["status"], job["statusReason"], len(job["attempts"])) == ("FAILED", "enough", 1)
    assert "exitCode" not in job["container"]
    assert batch.finish(batch.submit("true", jobName="after"))["status"] == "SUCCEEDED"


def test_a_package_whose_import_takes_too_long_runs_as_a_process_of_its_own(
    batch: "Batch", package: Any, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("localcloud.batch.pool.PATIENCE", 300)
    package("slow", waiting=IMPORTED_FOR_EVER, __main__="import slow.waiting; print('ran')")
    assert batch.log(run("slow")) == ["ran"]


def test_a_command_too_long_to_be_passed_on_fails_its_attempt_alone(batch: "Batch", package: Any, run: Run) -> None:
    package("long", __main__="print('ran')")
    texts = [{"name": f"TEXT{number}", "value": "x" * 100_000} for number in range(3)]
    batch.define("much", "long:latest", environment=texts)
    much = batch.finish(batch.submit(jobDefinition="much"))
    assert much["container"]["reason"].startswith("CannotStartContainerError: its command and environment are too long")
    batch.define("more", "long:latest", environment=[{"name": "TEXT", "value": "x" * 200_000}])
    more = batch.finish(batch.submit(jobDefinition="more"))
    assert "Argument list too long" in more["container"]["reason"]
    assert batch.log(run("long")) == ["ran"]


def test_a_package_whose_import_starts_a_thread_runs_as_a_process_of_its_own(
    batch: "Batch", package: Any, run: Run
) -> None:
    package(
        "threaded",
        background="""
            import threading
            ran = threading.Event()
            go = threading.Event()
            threading.Thread(target=lambda: (go.wait(), ran.set()), daemon=True).start()
        """,
        __main__="""
            from threaded import background
            background.go.set()
            print(background.ran.wait(5))
        """,
    )
    assert batch.log(run("threaded")) == ["True"]


def test_a_killed_server_costs_its_children_an_attempt_and_is_replaced(batch: "Batch", package: Any, run: Run) -> None:
    package(
        "fragile",
        __main__="""
            import os, time
            print(os.getppid())  # without flushing: it is to be seen at once
            time.sleep(60 if os.environ["AWS_BATCH_JOB_ATTEMPT"] == "1" else 0)
        """,
    )
    job_id = batch.submit(jobDefinition="fragile", retryStrategy={"attempts": 2})
    server = int(eventually(lambda: batch.log(batch.describe(job_id)))[0])
    os.kill(server, signal.SIGKILL)
    job = batch.finish(job_id)
    assert job["status"] == "SUCCEEDED"
    assert [each["container"]["exitCode"] for each in job["attempts"]] == [137, 0]
    assert batch.log(job) != [str(server)]


def test_a_daemon_ends_with_the_job_that_forked_it(batch: "Batch", package: Any, run: Run) -> None:
    package(
        "daemonic",
        __main__="""
            import os, time
            if os.fork() == 0:
                os.setsid()
                if os.fork() == 0:
                    print(os.getpid(), flush=True)
                    os.chdir("/")
                    os.closerange(0, 3)
                    time.sleep(300)
                os._exit(0)
            os.wait()
            time.sleep(0.1)
        """,
    )
    (daemon,) = batch.log(run("daemonic"))
    eventually(lambda: not alive(int(daemon)))


def test_a_machine_without_room_for_a_process_costs_one_attempt_not_the_server(
    batch: "Batch", package: Any, run: Run
) -> None:
    package(
        "crowded",
        limit="""
            import errno, os
            plain, begun = os.fork, []
            def fork():  # the server's
                begun.append(None)
                if len(begun) == 2:
                    raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
                return plain()
            os.fork = fork
        """,
        __main__="import time; print('runs', flush=True); time.sleep(0 if __import__('sys').argv[1:] else 60)",
    )
    first = batch.submit(jobDefinition="crowded")
    eventually(lambda: batch.log(batch.describe(first)) == ["runs"])
    second = run("crowded", "quick")
    assert second["container"]["reason"] == "CannotStartContainerError: fork: Resource temporarily unavailable"
    assert run("crowded", "quick")["status"] == "SUCCEEDED"
    assert batch.describe(first)["status"] == "RUNNING"
    batch.service.handle("terminatejob", {"jobId": first, "reason": "seen"})


def test_a_client_of_s3_is_made_with_the_jobs_own_settings(batch: "Batch", package: Any, run: Run) -> None:
    package(
        "client",
        __main__="""
            import boto3
            client = boto3.client("s3")
            credentials = client._request_signer._credentials
            print(client.meta.endpoint_url, client.meta.region_name, credentials.access_key)
        """,
    )
    job = run("client")
    assert batch.log(job) == ["http://127.0.0.1:1 us-east-1 key-of-None"]


def test_nothing_is_left_of_the_working_directory(batch: "Batch", package: Any, run: Run) -> None:
    package("messy", __main__="import os; os.makedirs('a/b'); open('a/b/c', 'w').close(); print(os.getcwd())")
    (directory,) = batch.log(run("messy"))
    assert Path(directory).parent == batch.root / "state" / "attempts"
    assert not Path(directory).exists()

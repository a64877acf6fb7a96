"""What the local Batch costs: children a second, answers meanwhile, memory; beside bare fork and wait in the same run.

    python benchmarks/batch_overhead.py [--children 10000] [--chain 3] [--workers N]

A local cloud runs in a process of its own and is driven through boto3, as users do. The child is a Python package that
imports boto3 and prints one line. "Bare" is a process with the same modules that forks children which do nothing, one
after the other. Nothing depends on the figures; another load on the machine worsens all of them.
"""

import argparse
import gc
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import boto3

CHILD = """
import os

import boto3

print(boto3.__version__, os.environ["AWS_BATCH_JOB_ARRAY_INDEX"])
"""
TICKS = os.sysconf("SC_CLK_TCK")
TEMPLATE = {"AWSTemplateFormatVersion": "2010-09-09", "Resources": {"Bucket": {"Type": "AWS::S3::Bucket"}}}


def bare(forks: int = 500) -> tuple[float, float]:
    """Seconds, and seconds of CPU, of a fork and its wait in this process, which imports what the children import."""
    gc.collect()
    gc.freeze()
    warnings.simplefilter("ignore", DeprecationWarning)  # of forking beside the thread that measures memory
    seconds, busy = [], sum(os.times()[:4])
    for _ in range(forks):
        start = time.perf_counter()
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)
        seconds.append(time.perf_counter() - start)
    gc.unfreeze()
    return median(seconds), (sum(os.times()[:4]) - busy) / forks


def start_cloud(root: Path, workers: int) -> tuple[subprocess.Popen[str], str]:
    package = root / "containers" / "trivial" / "trivial"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(CHILD)
    template = root / "template.json"
    template.write_text(json.dumps(TEMPLATE))
    command = [sys.executable, "-m", "localcloud", "--template", str(template), "--port", "0", "--exit-with-stdin"]
    process = subprocess.Popen(
        [*command, "--workers", str(workers)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    return process, json.loads(process.stdout.readline())["endpointUrl"]


class Batch:
    """A client, its queue and its definition."""

    def __init__(self, endpoint_url: str) -> None:
        self.client = boto3.client(
            "batch",
            endpoint_url=endpoint_url,
            region_name="us-east-1",
            aws_access_key_id="local",
            aws_secret_access_key="local",
        )
        resources: Any = {"type": "EC2", "maxvCpus": 256, "subnets": ["subnet-1"], "instanceTypes": ["optimal"]}
        resources |= {"minvCpus": 0, "securityGroupIds": ["sg-1"], "instanceRole": "role"}
        made = self.client.create_compute_environment(
            computeEnvironmentName="bench", type="MANAGED", computeResources=resources
        )
        order = [{"order": 1, "computeEnvironment": made["computeEnvironmentArn"]}]
        self.client.create_job_queue(jobQueueName="bench", priority=1, computeEnvironmentOrder=order)
        requirements: Any = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "64"}]
        self.client.register_job_definition(
            jobDefinitionName="trivial",
            type="container",
            containerProperties={"image": "trivial:1", "resourceRequirements": requirements},
        )
        self.submits: list[float] = []
        self.describes: list[float] = []

    def submit(self, size: int, after: str | None = None) -> str:
        depends: Any = [{"jobId": after, "type": "N_TO_N"}] if after else []
        start = time.perf_counter()
        answer = self.client.submit_job(
            jobName="bench",
            jobQueue="bench",
            jobDefinition="trivial",
            arrayProperties={"size": size},
            dependsOn=depends,
        )
        self.submits.append(time.perf_counter() - start)
        return answer["jobId"]

    def finish(self, job_id: str) -> None:
        """Watch an array as a progress bar does, ten times a second."""
        while True:
            start = time.perf_counter()
            (job,) = self.client.describe_jobs(jobs=[job_id])["jobs"]
            self.describes.append(time.perf_counter() - start)
            if job["status"] in {"SUCCEEDED", "FAILED"}:
                summary = job["arrayProperties"]["statusSummary"]
                assert summary["SUCCEEDED"] == job["arrayProperties"]["size"], summary
                return
            time.sleep(0.1)


class Memory(threading.Thread):
    """The most that the engine and the fork servers below it occupied, in MiB."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid = pid
        self.engine = self.all = 0.0

    def run(self) -> None:
        while True:
            try:
                family = [self.pid, *_forkservers(self.pid)]
                sizes = [_pss(pid) for pid in family]
            except OSError:
                time.sleep(0.2)
                continue
            self.engine, self.all = max(self.engine, sizes[0]), max(self.all, sum(sizes))
            time.sleep(1)


def _forkservers(pid: int) -> list[int]:
    children = [
        int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()
    ]
    return [child for child in children if b"forkserver.py" in Path(f"/proc/{child}/cmdline").read_bytes()]


def cpu(pid: int) -> float:
    """Seconds that the engine, its fork servers and their ended children were busy."""
    family = {pid: 2, **dict.fromkeys(_forkservers(pid), 4)}  # own user and system, then those of ended children
    fields = {each: Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split() for each in family}
    return sum(int(ticks) for each, most in family.items() for ticks in fields[each][11 : 11 + most]) / TICKS


def _pss(pid: int) -> float:
    """Its proportional share: pages shared with another process are counted once."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--children", type=int, default=10_000)
    parser.add_argument("--chain", type=int, default=3, help="arrays chained N_TO_N")
    parser.add_argument("--workers", type=int, default=os.process_cpu_count())
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        before = bare()
        process, url = start_cloud(Path(folder), options.workers)
        memory = Memory(process.pid)
        memory.start()
        try:
            batch = Batch(url)
            batch.finish(batch.submit(2))  # starts the fork server
            batch.describes.clear()
            start, busy = time.perf_counter(), cpu(process.pid)
            batch.finish(batch.submit(options.children))
            single = time.perf_counter() - start, cpu(process.pid) - busy
            start = time.perf_counter()
            job_id = None
            for _ in range(options.chain):
                job_id = batch.submit(options.children, job_id)
            if job_id:
                batch.finish(job_id)
            chained = time.perf_counter() - start
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait()
        after = bare()
        report(options, ((before[0] + after[0]) / 2, (before[1] + after[1]) / 2), single, chained, batch, memory)


type Seconds = tuple[float, float]  # on the clock, of CPU


def report(options: Any, fork: Seconds, single: Seconds, chained: float, batch: Batch, memory: Memory) -> None:
    each, busy = (seconds / options.children for seconds in single)
    total = options.children * options.chain
    rows = {
        "workers": f"{options.workers}",
        "bare fork + wait": f"{1000 * fork[0]:.2f} ms, CPU {1000 * fork[1]:.2f} ms",
        f"{options.children} children": f"{single[0]:.1f} s, {1000 * each:.2f} ms each, {each / fork[0]:.1f} x bare",
        "  CPU": f"{single[1]:.1f} s, {1000 * busy:.2f} ms each, {busy / fork[1]:.1f} x bare",
        f"{options.chain} such arrays, N_TO_N": f"{chained:.1f} s, {1000 * chained / max(total, 1):.2f} ms a child",
        f"SubmitJob of {options.children}": f"{max(batch.submits):.3f} s at most",
        "DescribeJobs meanwhile": f"median {1000 * median(batch.describes):.1f} ms, "
        f"p99 {1000 * quantiles(batch.describes, n=100)[98]:.1f} ms, {len(batch.describes)} calls",
        "memory": f"engine {memory.engine:.0f} MiB, with its fork servers {memory.all:.0f} MiB",
    }
    for name, figure in rows.items():
        print(f"{name:28} {figure}")


if __name__ == "__main__":
    main()

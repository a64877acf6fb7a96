"""PUT and GET of 4 KiB objects: the object store against moto's S3, through boto3, in one run.

    python benchmarks/objects_throughput.py [--objects 400] [--clients 2] [--rounds 3] [--root DIR]

Both run behind the same HTTP server, each in a process of its own; clients are processes with one boto3 client each.
Rounds alternate between the contestants, the best round counts. Nothing depends on the figures.
"""

import argparse
import io
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

SIZE = 4096
BUCKET = "throughput"
CONTESTANTS = ("moto", "files, flushed", "files")


def serve(kind: str, root: Path) -> None:
    """Serve one contestant until stdin closes; prints the port."""
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

    from localcloud.objects import application
    from localcloud.server import Server, listen

    moto = DomainDispatcherApplication(create_backend_app)
    app = moto if kind == "moto" else application(root, moto, durable=kind == "files, flushed")
    server = Server(listen(0), app)
    server.start()
    print(server.port, flush=True)
    sys.stdin.read()


def client(port: int) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
        config=Config(retries={"total_max_attempts": 1}),
    )


def work(port: int, name: str, count: int, barrier: Any, results: Any) -> None:
    """One client: ``count`` objects written, then read; reports the seconds of each half."""
    s3 = client(port)
    body = os.urandom(SIZE)
    s3.put_object(Bucket=BUCKET, Key=f"{name}/warm", Body=body)
    seconds = []
    barrier.wait()
    begun = time.perf_counter()
    for number in range(count):
        s3.put_object(Bucket=BUCKET, Key=f"{name}/{number:05}", Body=body)
    seconds.append(time.perf_counter() - begun)
    barrier.wait()
    begun = time.perf_counter()
    for number in range(count):
        assert s3.get_object(Bucket=BUCKET, Key=f"{name}/{number:05}")["Body"].read() == body
    seconds.append(time.perf_counter() - begun)
    results.put(seconds)


def measure(port: int, clients: int, count: int, label: str) -> tuple[float, float, float]:
    """PUTs, GETs and both, per second, over all clients."""
    context = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(clients), context.Queue()
    jobs = [
        context.Process(target=work, args=(port, f"{label}-{number}", count, barrier, results))
        for number in range(clients)
    ]
    for job in jobs:
        job.start()
    times = [results.get(timeout=300) for _ in jobs]
    for job in jobs:
        job.join()
    put, get = max(t[0] for t in times), max(t[1] for t in times)
    total = clients * count
    return total / put, total / get, 2 * total / (put + get)


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=int, default=400, help="per client and round")
    parser.add_argument("--clients", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--root", type=Path, help="where the object store keeps its files (default: a temporary folder)"
    )
    parser.add_argument("--serve", choices=CONTESTANTS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve, options.root)
        return
    with tempfile.TemporaryDirectory(dir=options.root) as folder:
        servers = {kind: start(kind, Path(folder) / kind.replace(", ", "-")) for kind in CONTESTANTS}
        try:
            report(servers, options)
        finally:
            for process, _ in servers.values():
                process.communicate()


def start(kind: str, root: Path) -> tuple["subprocess.Popen[str]", int]:
    command = [sys.executable, __file__, "--serve", kind, "--root", str(root)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    port = int(process.stdout.readline())
    client(port).create_bucket(Bucket=BUCKET)
    return process, port


def report(servers: dict[str, tuple["subprocess.Popen[str]", int]], options: argparse.Namespace) -> None:
    best = dict.fromkeys(servers, (0.0, 0.0, 0.0))
    cost = dict.fromkeys(servers, float("inf"))
    for number in range(options.rounds):
        for kind, (process, port) in servers.items():
            before = cpu_seconds(process.pid)
            rates = measure(port, options.clients, options.objects, f"round-{number}")
            spent = cpu_seconds(process.pid) - before
            cost[kind] = min(cost[kind], spent / (2 * options.clients * options.objects))
            best[kind] = max(best[kind], rates, key=lambda r: r[2])
    text = io.StringIO()
    for kind, (put, get, both) in best.items():
        ratio = both / best["moto"][2]
        text.write(f"{kind:16} PUT {put:6.0f}/s  GET {get:6.0f}/s  both {both:6.0f}/s  {ratio:5.2f} x moto")
        text.write(f"  server CPU {1e3 * cost[kind]:.2f} ms a request\n")
    print(text.getvalue(), end="")
    print(json.dumps({"ratioToMoto": {kind: round(b[2] / best["moto"][2], 2) for kind, b in best.items()}}))


if __name__ == "__main__":
    main()

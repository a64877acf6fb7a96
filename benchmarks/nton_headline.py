"""The records pipeline at full width: 10,000 children in each of three arrays, in a private local cloud.

    python benchmarks/nton_headline.py [--records 400000] [--records-per-node 40]

Prints how long ``stepbatch run nton`` took, how many records a second it delivered, how much the steps overlapped, how
much memory the local cloud's processes had together at most (in total, shared pages counted once a process), and the
processor time of a child of each kind.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

STEPBATCH = Path(sys.executable).parent / "stepbatch"
TICKS = os.sysconf("SC_CLK_TCK")
PAUSE = 0.5  # seconds between two looks at the processes


def processes() -> dict[int, tuple[int, float, int]]:
    """Process id -> parent, seconds of processor time with those of its ended children, kB of proportional memory."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            memory = (entry / "smaps_rollup").read_text()
        except OSError:
            continue
        size = next(int(line.split()[1]) for line in memory.splitlines() if line.startswith("Pss:"))
        found[int(entry.name)] = (int(fields[1]), sum(map(int, fields[11:15])) / TICKS, size)
    return found


class Watch:
    """Looks at a process and all below it until it ends."""

    def __init__(self, root: int) -> None:
        self._root = root
        self.most_memory = 0  # kB
        self.processor_seconds = 0.0
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while True:
            found = processes()
            if self._root not in found:
                return
            mine = {self._root}
            while more := {pid for pid, (parent, *_) in found.items() if parent in mine} - mine:
                mine |= more
            self.most_memory = max(self.most_memory, sum(found[pid][2] for pid in mine))
            self.processor_seconds = max(self.processor_seconds, sum(found[pid][1] for pid in mine))
            time.sleep(PAUSE)


def main() -> None:
    """Prints one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=400_000)
    parser.add_argument("--records-per-node", type=int, default=40)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as out:
        command = [str(STEPBATCH), "run", "nton", "--json", "--out", out]
        command += ["--records", str(options.records), "--records-per-node", str(options.records_per_node)]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        started = time.perf_counter()
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        watch = Watch(process.pid)
        document: dict[str, Any] = json.loads(process.communicate()[0])
        seconds = time.perf_counter() - started
        timings = json.loads((Path(out) / "timings.json").read_text())
        verified = subprocess.run([str(STEPBATCH), "verify", out], check=False, capture_output=True, text=True)
    told = {
        "status": document["status"],
        "secondsOfTheCommand": round(seconds, 1),
        "secondsOfTheExecution": document["seconds"],
        "secondsOfTheArrays": timings["seconds"],
        "recordsPerSecond": round(timings["recordsPerSecond"], 1),
        "overlap": {step["step"]: round(step["overlap"], 4) for step in timings["steps"] if "overlap" in step},
        "children": sum(step["children"] for step in timings["steps"]),
        "processorSeconds": round(watch.processor_seconds, 1),
        "mostMemoryMB": round(watch.most_memory / 1024),
        "verified": verified.stdout.strip() or verified.stderr.strip(),
        "load": os.getloadavg()[0],
    }
    print(json.dumps(told, indent=1))


if __name__ == "__main__":
    main()

"""Objects to try array-workflow with: measurements as CSV and JSON lines, plain, gzip and zstd, under awkward names."""

import gzip
import json
import random
from pathlib import Path

AWKWARD = ("with space", "hash#tag", "per%cent", "plus+plus", "co:lon", "emoji 😀", "ümläut", "deep/er/and deeper")
RECORDS = (5, 60)  # of an object, fewest and most
A_FOLDER = 1_000  # objects


def write_objects(folder: Path, count: int, seed: int) -> dict[str, Path]:
    """Name -> file of ``count`` objects; the same seed writes the same bytes."""
    files = {}
    for place in range(count):
        draw = random.Random(f"{seed}/{place}")  # noqa: S311 - sample data
        name, content = _object(place, draw)
        path = folder / f"{place:06d}"
        path.write_bytes(content)
        files[name] = path
    return files


def _object(place: int, draw: random.Random) -> tuple[str, bytes]:
    readings = [
        {"station": f"S{draw.randrange(20):02d}", "hour": hour, "value": round(draw.gauss(12.0, 4.0), 3)}
        for hour in range(draw.randint(*RECORDS))
    ]
    if place % 2:
        ending, text = ".jsonl", "".join(json.dumps(reading) + "\n" for reading in readings)
    else:
        rows = (f"{reading['station']},{reading['hour']},{reading['value']}\n" for reading in readings)
        ending, text = ".csv", "station,hour,value\n" + "".join(rows)
    content = text.encode()
    if place % 3 == 1:
        ending, content = f"{ending}.gz", gzip.compress(content, mtime=0)
    elif place % 3 == 2:
        import zstandard

        ending, content = f"{ending}.zst", zstandard.compress(content)
    stem = AWKWARD[place] if place < len(AWKWARD) else f"{place // A_FOLDER:03d}/measurements-{place:06d}"
    return f"{stem}{ending}", content

"""The time of a page of ListObjectsV2, for growing buckets: it must not depend on their size.

    python benchmarks/objects_listing.py [--sizes 10000 100000] [--root DIR]

No HTTP: the pages are made by the application itself. Prints the first page (which reads the folder), the median of
the rest, and the whole listing. Nothing depends on the figures.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from localcloud.objects.listing import list_objects_v2
from localcloud.objects.ordering import Ordering
from localcloud.objects.records import Record
from localcloud.objects.request import Request
from localcloud.objects.store import Store

BUCKET = "bucket"


def fill(store: Store, count: int) -> None:
    (store.root / BUCKET).mkdir()
    for number in range(count):
        with store.draft() as draft:
            draft.write(b"x")
            store.commit(draft, BUCKET, f"results/{number:06}.json", Record(etag="0" * 32, size=0, mtime=0))
    time.sleep(0.1)  # a folder is kept in memory once it has been quiet for a tick of the clock


def page(store: Store, ordering: Ordering, token: str) -> tuple[str, float]:
    """The next continuation token and the seconds that the page took."""
    query = {"list-type": "2", "continuation-token": token} if token else {"list-type": "2"}
    request = Request(
        method="GET",
        bucket=BUCKET,
        key="",
        query=query,
        headers={},
        body=None,  # type: ignore[arg-type]  # a listing reads no body
        length=0,
    )
    begun = time.perf_counter()
    response = list_objects_v2(store, ordering, request)
    seconds = time.perf_counter() - begun
    document = b"".join(response.body).decode()
    return document.partition("<NextContinuationToken>")[2].partition("<")[0], seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--root", type=Path)
    options = parser.parse_args()
    for size in options.sizes:
        with tempfile.TemporaryDirectory(dir=options.root) as folder:
            store = Store(Path(folder), durable=False, clock=time.time_ns)
            fill(store, size)
            ordering = Ordering(store.fd)
            token, first = page(store, ordering, "")
            rest = []
            while token:
                token, seconds = page(store, ordering, token)
                rest.append(seconds)
            store.close()
        whole = first + sum(rest)
        print(
            f"{size:7} keys: first page {1e3 * first:6.1f} ms, others {1e3 * statistics.median(rest):6.1f} ms, "
            f"all {whole:5.2f} s, {1e6 * whole / size:5.1f} us a key"
        )


if __name__ == "__main__":
    main()

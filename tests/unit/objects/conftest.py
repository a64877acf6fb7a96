"""A store on a temporary folder, and short ways to put objects into it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from localcloud.objects.records import Record
from localcloud.objects.store import Check, Store

type Put = Callable[..., Record]
BUCKET = "bucket"


@pytest.fixture(params=["attributes", "side files"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Metadata both ways: as extended attributes, and beside the files where those do not exist."""
    ticks = iter(range(1_700_000_000_000_000_000, 1_800_000_000_000_000_000, 1_000_000))
    store = Store(tmp_path, durable=False, clock=lambda: next(ticks), attributes=request.param == "attributes")
    (tmp_path / BUCKET).mkdir()
    yield store
    store.close()


@pytest.fixture
def put(store: Store) -> Put:
    def put(key: str, body: bytes = b"", *, check: Check | None = None, **fields: object) -> Record:
        record = msgspec.structs.replace(Record(etag=f"etag of {body!r}", size=0, mtime=0), **fields)
        with store.draft() as draft:
            draft.write(body)
            return store.commit(draft, BUCKET, key, record, check)

    return put

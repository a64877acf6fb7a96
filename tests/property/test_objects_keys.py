"""Laws of the mapping between keys and paths."""

from hypothesis import given
from hypothesis import strategies as st

from localcloud.objects.keys import MORE, OBJECT, path_of, segment_of, segment_path

_PIECES = [
    "%",
    "%25",
    "%2E",
    "%01",
    "%7F",
    "empty",
    "object",
    "more",
    ".",
    "..",
    "25",
    "2E",
    "\x01",
    "\n",
    "\x7f",
    "a",
    "é",
    "😀",
    " ",
]
SEGMENTS = st.one_of(
    st.lists(st.sampled_from(_PIECES), max_size=8).map("".join),
    st.text(st.characters(exclude_characters="/", exclude_categories=["Cs"]), max_size=12),
    st.integers(200, 600).flatmap(lambda n: st.sampled_from(["x", "%", "é", "😀", "\x02"]).map(lambda c: c * n)),
)
KEYS = st.lists(SEGMENTS, min_size=1, max_size=5).map("/".join)


def _read_back(path: str) -> str:
    """The key, from the names on disk alone."""
    return "".join(
        segment_of(name.removesuffix(MORE)) if name.endswith(MORE) else segment_of(name) + "/"
        for name in path.split("/")
    )[:-1]


@given(KEYS)
def test_a_key_can_be_read_back_from_its_path(key: str) -> None:
    assert _read_back(path_of(key)) == key


@given(KEYS)
def test_no_key_leads_out_of_its_bucket_or_to_a_name_that_a_file_cannot_have(key: str) -> None:
    for name in path_of(key).split("/"):
        assert name not in ("", ".", "..")
        assert len(name.removesuffix(MORE).encode()) + len(OBJECT) <= 255
        assert not any(character < " " or character == "\x7f" for character in name)
        assert not name.endswith(OBJECT)


@given(KEYS, KEYS)
def test_two_keys_never_share_a_path(one: str, other: str) -> None:
    assert (path_of(one) == path_of(other)) == (one == other)


@given(SEGMENTS)
def test_every_file_name_that_a_person_may_choose_is_some_keys_path(name: str) -> None:
    reserved = name in ("", ".", "..") or name.endswith((OBJECT, MORE))
    if reserved or len(name.encode()) > 80 or any(character < " " or character == "\x7f" for character in name):
        return
    assert segment_path(segment_of(name)) == name

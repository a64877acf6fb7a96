"""Object keys as paths: an ordinary key is its own path, an awkward one is escaped so that it can be read back.

A key is cut at ``/`` into segments, one directory level each. What a file name cannot say is written with ``%``::

    a//b          a/%empty/b          an empty segment (also the last one of a folder marker such as ``a/``)
    a/../b        a/%2E%2E/b          dots that a path would follow
    a<TAB>b       a%09b               control characters
    a and a/b     a%object and a/b    an object whose name is also a folder
    <300 bytes>   <248>%more/<52>     a segment longer than a file name may be

A ``%`` in a key stays as it is unless it would read as one of these; then it is written ``%25``. So every name has one
key and every key has one path (two, where an object's name is also a folder: see :data:`OBJECT`).
"""

import re

MAX_KEY_BYTES = 1024  # the service's limit
OBJECT = "%object"  # suffix of an object's file where the plain name is a folder
MORE = "%more"  # suffix of a folder that holds the rest of long segments
_LIMIT = 248  # bytes of a name; 255 less the longest suffix

_WORDS = {"": "%empty", ".": "%2E", "..": "%2E%2E"}
_SEGMENTS = {word: segment for segment, word in _WORDS.items()}
_CONTROL = r"[01][0-9A-F]|7F"
_SUFFIX = r"(?:object|more)\Z"
_WORD = r"(?:empty|2E|2E%2E)\Z"
_UNSAFE = re.compile(rf"[\x00-\x1f\x7f]|%(?=(?:25)*(?:{_CONTROL}|{_SUFFIX}))|\A%(?=(?:25)*{_WORD})")
_ESCAPE = re.compile(rf"%(?:{_CONTROL}|25(?=(?:25)*(?:{_CONTROL}|{_SUFFIX})))|\A%25(?=(?:25)*{_WORD})")
_ORDINARY = re.compile(r"(?!\.{1,2}(?:/|\Z))[^\x00-\x1f\x7f%/]+(?:/(?!\.{1,2}(?:/|\Z))[^\x00-\x1f\x7f%/]+)*")


def path_of(key: str) -> str:
    """The path of ``key``, relative to its bucket's folder; never absolute, never with ``.`` or ``..`` in it."""
    if len(key) <= _LIMIT // 4 and _ORDINARY.fullmatch(key):
        return key  # short enough whatever its characters weigh
    return "/".join(map(segment_path, key.split("/")))


def segment_path(segment: str) -> str:
    """The path of one segment: a name, or several levels if it is too long for one."""
    parts: list[str] = []
    start = cost = 0
    for index, character in enumerate(segment):
        width = _width(character)
        if cost + width > _LIMIT:
            parts.append(_name(segment[start:index]) + MORE)
            start, cost = index, 0
        cost += width
    parts.append(_name(segment[start:]))
    return "/".join(parts)


def segment_of(name: str) -> str:
    """The segment that a name (without suffix) stands for; the inverse of one part of :func:`segment_path`."""
    if "%" not in name:
        return name
    word = _SEGMENTS.get(name)
    return _ESCAPE.sub(_unescape, name) if word is None else word


def is_plain(name: str) -> bool:
    """Whether a name on disk surely is a segment's own path, so that nothing needs to be checked."""
    return "%" not in name and len(name) <= _LIMIT // 4


def _name(segment: str) -> str:
    word = _WORDS.get(segment)
    return _UNSAFE.sub(_escape, segment) if word is None else word


def _width(character: str) -> int:
    return 3 if character < " " or character in "%\x7f" else len(character.encode())


def _escape(match: re.Match[str]) -> str:
    return f"%{ord(match[0]):02X}"


def _unescape(match: re.Match[str]) -> str:
    return chr(int(match[0][1:3], 16))

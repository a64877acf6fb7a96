"""S3's XML: what is read from requests, and how elements are written."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from localcloud.objects.errors import S3Error

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
_HEADER = '<?xml version="1.0" encoding="UTF-8"?>\n'
_SPECIAL = re.compile(r"[&<>\"\x00-\x1f\x7f]")
_MAX_DELETIONS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion:
    """One key of a DeleteObjects request."""

    key: str
    version: str
    etag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PartClaim:
    """One part of a CompleteMultipartUpload request; ``checksums`` by algorithm."""

    number: int
    etag: str
    checksums: dict[str, str]


def element(name: str, *children: str) -> str:
    """An element around text or elements that are escaped already."""
    return f"<{name}>{''.join(children)}</{name}>"


def text(name: str, value: object) -> str:
    """An element with a text."""
    return f"<{name}>{escape(str(value))}</{name}>"


def document(name: str, children: Iterable[str], *, namespace: bool = True) -> str:
    attribute = f' xmlns="{NAMESPACE}"' if namespace else ""
    return f"{_HEADER}<{name}{attribute}>{''.join(children)}</{name}>"


def escape(value: str) -> str:
    """Text for XML. Control characters become references, as S3 writes them, though XML 1.0 knows them not."""
    return _SPECIAL.sub(lambda match: f"&#{ord(match[0])};", value)


def error_document(error: S3Error, *, resource: str, request_id: str, host_id: str) -> str:
    children = [text("Code", error.code), text("Message", error.message)]
    children += [text(name, value) for name, value in error.elements.items()]
    children += [text("Resource", resource), text("RequestId", request_id), text("HostId", host_id)]
    return document("Error", children, namespace=False)


def parse_delete(data: bytes) -> tuple[list[Deletion], bool]:
    """The keys of a DeleteObjects request, and whether only failures are to be reported."""
    root = _parse(data, "Delete")
    deletions = [
        Deletion(
            key=_required(child, "Key"),
            version=child.findtext("VersionId", ""),
            etag=child.findtext("ETag", ""),
        )
        for child in root.findall("Object")
    ]
    if not 1 <= len(deletions) <= _MAX_DELETIONS:
        raise S3Error("MalformedXML", f"a Delete names 1 to {_MAX_DELETIONS} objects, not {len(deletions)}")
    return deletions, root.findtext("Quiet", "").lower() == "true"


def deletion_result(removed: Iterable[Deletion], failures: Iterable[tuple[Deletion, S3Error]]) -> str:
    children = [element("Deleted", text("Key", deletion.key)) for deletion in removed]
    children += [
        element("Error", text("Key", deletion.key), text("Code", error.code), text("Message", error.message))
        for deletion, error in failures
    ]
    return document("DeleteResult", children)


def parse_parts(data: bytes) -> list[PartClaim]:
    """The parts of a CompleteMultipartUpload request, in its order."""
    parts = []
    for child in _parse(data, "CompleteMultipartUpload").findall("Part"):
        number = _required(child, "PartNumber")
        if not number.isdigit():
            raise S3Error("MalformedXML")
        checksums = {
            item.tag.removeprefix("Checksum"): item.text or "" for item in child if item.tag.startswith("Checksum")
        }
        parts.append(PartClaim(number=int(number), etag=_required(child, "ETag").strip('"'), checksums=checksums))
    if not parts:
        raise S3Error("MalformedXML", "You must specify at least one part")
    return parts


def parse_tagging(data: bytes) -> list[tuple[str, str]]:
    """The pairs of a Tagging document."""
    tags = _parse(data, "Tagging").find("TagSet")
    if tags is None:
        raise S3Error("MalformedXML")
    return [(_required(tag, "Key"), tag.findtext("Value", "")) for tag in tags.findall("Tag")]


def tagging(tags: Iterable[tuple[str, str]]) -> str:
    children = [element("Tag", text("Key", key), text("Value", value)) for key, value in tags]
    return document("Tagging", [element("TagSet", *children)])


def _parse(data: bytes, name: str) -> ET.Element:
    """The root element, all namespaces dropped."""
    try:
        root = ET.fromstring(data)  # noqa: S314 local clients only, and expat bounds what entities expand to
    except ET.ParseError:
        raise S3Error("MalformedXML") from None
    for item in _all(root):
        item.tag = item.tag.rpartition("}")[2]
    if root.tag != name:
        raise S3Error("MalformedXML", f"the document is a {root.tag}, not a {name}")
    return root


def _all(root: ET.Element) -> Iterator[ET.Element]:
    return root.iter()


def _required(parent: ET.Element, name: str) -> str:
    value = parent.findtext(name)
    if not value:
        raise S3Error("MalformedXML", f"{parent.tag} has no {name}")
    return value

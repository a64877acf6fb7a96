"""Which fork server runs which attempt.

A Python package has one per role and declared environment, so that what its modules read while they are imported is
what they would read in a container of their own. Everything else shares one that only executes commands.
"""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from localcloud.batch.launch import Launch
from localcloud.batch.servers import Server
from localcloud.batch.sources import fingerprint

MOST = 8  # fork servers that are kept though nothing runs in them
LOOK_AGAIN = 1000  # milliseconds between two looks at a package's sources
PATIENCE = 60_000  # milliseconds that a server may take to import its package

type Kind = tuple[object, ...]
EXECUTING: Kind = ()


@dataclass(slots=True)
class _Slot:
    server: Server
    roots: tuple[Path, ...]
    fingerprint: int
    looked: int  # milliseconds since 1970


class Pool:
    """The fork servers of an engine. ``opened`` and ``closing`` are told of each server that comes and goes."""

    def __init__(
        self, root: Path, clock: Callable[[], int], opened: Callable[[Server], None], closing: Callable[[Server], None]
    ) -> None:
        self._home = root
        self._clock = clock
        self._opened = opened
        self._closing = closing
        self._slots: dict[Kind, _Slot] = {}  # the least recently used first
        self._retired: set[Server] = set()  # serving out their children
        self._importing: dict[Server, int] = {}  # servers that are not ready yet: milliseconds since 1970
        self._cold: set[Kind] = set()  # packages whose import killed a server: they run as plain processes

    def get(self, launch: Launch) -> Server:
        """The server that is to run this attempt."""
        kind = self._kind(launch)
        slot = self._slots.pop(kind, None)
        if slot is not None and self._is_stale(slot):
            self._retire(slot.server)
            slot = None
        slot = slot or self._open(kind, launch)
        self._close_idle()
        self._slots[kind] = slot
        return slot.server

    def rest(self, server: Server) -> None:
        """An attempt of this server has ended."""
        if server in self._retired and not server.pids:
            self._retired.discard(server)
            self._close(server)

    def bury(self, server: Server) -> bool:
        """The server has died. True if it died of importing its package, which will run without one from now on."""
        self._retired.discard(server)
        kinds = [kind for kind, slot in self._slots.items() if slot.server is server]
        stillborn = [kind for kind in kinds if kind != EXECUTING and not server.ready]
        for kind in kinds:
            del self._slots[kind]
        self._cold.update(stillborn)
        self._close(server)
        return bool(stillborn)

    def hurry(self) -> None:
        """Kill servers whose packages take too long to import: such a package may wait for something for ever."""
        for server, since in list(self._importing.items()):
            late = self._clock() - since >= PATIENCE
            if late and not server.ready:
                server.kill()
            if late or server.ready:
                del self._importing[server]

    def unread(self) -> list[Server]:
        """Servers whose reports were received, but not seen, while something was sent to them."""
        return [server for server in self._all() if server.unread]

    def close(self) -> None:
        """End them all, and with them their children."""
        for server in self._all():
            server.close()

    def _all(self) -> list[Server]:
        return [*self._retired, *(slot.server for slot in self._slots.values())]

    def _kind(self, launch: Launch) -> Kind:
        image = launch.image
        if image.package is None:
            return EXECUTING
        kind = (image, launch.role, frozenset(launch.shared.items()))
        return EXECUTING if kind in self._cold else kind

    def _open(self, kind: Kind, launch: Launch) -> _Slot:
        home = str(self._home)
        environment = {**launch.shared, **launch.credentials, "HOME": home, "TMPDIR": home}
        if kind == EXECUTING:
            server = Server({"PATH": os.defpath}, interpreter=sys.executable, package=None)
            slot = _Slot(server, (), 0, 0)
        else:
            roots = launch.image.pythonpath
            before = fingerprint(roots)
            server = Server(environment, interpreter=launch.image.argv_prefix[0], package=launch.image.package)
            slot = _Slot(server, roots, before, self._clock())
        self._importing[server] = self._clock()
        self._opened(server)
        return slot

    def _is_stale(self, slot: _Slot) -> bool:
        now = self._clock()
        if not slot.roots or now - slot.looked < LOOK_AGAIN:
            return False
        slot.looked = now
        return fingerprint(slot.roots) != slot.fingerprint

    def _retire(self, server: Server) -> None:
        self._retired.add(server)
        self.rest(server)

    def _close_idle(self) -> None:
        idle = [kind for kind, slot in self._slots.items() if not slot.server.pids]
        for kind in idle[: max(0, len(self._slots) + 1 - MOST)]:
            self._close(self._slots.pop(kind).server)

    def _close(self, server: Server) -> None:
        self._importing.pop(server, None)
        self._closing(server)
        server.close()

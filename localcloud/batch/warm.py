"""Prepares a fork server's process for one Python package, and runs the package in each child. Standard library only.

Preparing imports what ``python -m package`` would import: the package's modules except ``__main__``, and what
``__main__`` imports by name. ``__main__`` itself runs afresh in every child. The imports see the environment of the
job, but no AWS_BATCH_* variable yet: if the package's own modules ask for one while they are imported, only libraries
are kept, and each child imports the package itself. Where boto3 is used, service descriptions are loaded beforehand, so
that ``boto3.client("s3")`` costs milliseconds in a child; sessions, credentials and clients are each child's own.
"""

import ast
import atexit
import contextlib
import ctypes
import gc
import importlib
import importlib.util
import os
import pkgutil
import re
import sys
import threading
import types
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

RESERVED = "AWS_BATCH_"
INDIFFERENT = (
    "urllib.request",
    "botocore.",
)  # read all variables for proxies and settings of their own; any client does
SERVICE = re.compile(r"""\.(?:client|resource)\(\s*["']([a-z0-9-]+)["']""")


class Package:
    """A package that ``run`` runs as ``python -m name`` does."""

    def __init__(self, name: str, own_paths: Sequence[str]) -> None:
        self.name = name
        self._own = tuple(f"{path.rstrip('/')}/" for path in own_paths)
        self._spec: ModuleSpec | None = None
        self._code: types.CodeType | None = None

    def prepare(self) -> None:
        """In the server. What fails is left to the children, where it fails visibly or does not."""
        sys.argv = [self.name]
        with _asked_for_reserved() as asked:
            for name in self._imports():
                _try_import(name)
        if asked:
            self._forget()
        with contextlib.suppress(Exception):
            _warm_boto3(self._services())
        gc.collect()
        _immortalize(gc.get_objects())
        gc.freeze()  # the collector does not touch, and so does not copy, what is shared with the server

    def run(self, arguments: Sequence[str]) -> int:
        """In the child: the exit code of the program. Its threads, exit handlers and output are seen to."""
        if "numpy.random" in sys.modules:
            sys.modules["numpy.random"].seed()  # a fresh process would not share its siblings' state
        code = _guarded(lambda: self._execute(arguments))
        # what Py_Finalize does, without the rest; the first also tells the threads of idle pools to end
        for step in (threading._shutdown, atexit._run_exitfuncs, _flush):  # type: ignore[attr-defined]  # noqa: SLF001
            failed = _guarded(step)
            code = code or failed
        return code

    def _execute(self, arguments: Sequence[str]) -> None:
        spec, code = self._spec, self._code
        if spec is None or code is None:
            spec, code = self._find_main()
        main = types.ModuleType("__main__")
        vars(main).update(
            __file__=spec.origin, __cached__=spec.cached, __loader__=spec.loader, __package__=self.name, __spec__=spec
        )
        sys.modules["__main__"] = main
        sys.argv = [spec.origin or self.name, *arguments]
        exec(code, vars(main))  # noqa: S102 - as runpy does

    def _find_main(self) -> tuple[ModuleSpec, types.CodeType]:
        spec = importlib.util.find_spec(f"{self.name}.__main__")
        if spec is None or spec.loader is None:
            raise ImportError(
                f"No module named {self.name}.__main__; {self.name!r} is a package and cannot be executed"
            )
        code = spec.loader.get_code(spec.name)  # type: ignore[attr-defined]  # every loader of a source file has it
        return spec, code

    def _imports(self) -> Iterator[str]:
        yield self.name
        package = sys.modules.get(self.name)
        for found in pkgutil.walk_packages(getattr(package, "__path__", []), f"{self.name}.", onerror=lambda _: None):
            if not found.name.endswith(".__main__"):
                yield found.name
        try:
            self._spec, self._code = self._find_main()
            tree = ast.parse(Path(self._spec.origin or "").read_text())
        except (ImportError, OSError, SyntaxError):
            return
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield node.module

    def _forget(self) -> None:
        for name, module in list(sys.modules.items()):
            if (getattr(module, "__file__", None) or "").startswith(self._own):
                del sys.modules[name]

    def _services(self) -> set[str]:
        """The AWS services whose clients the package's sources ask for by name."""
        found: set[str] = set()
        for root in self._own:
            for folder, folders, names in Path(root).walk():
                folders[:] = [name for name in folders if not name.startswith(".")]  # .venv: not its own sources
                sources = [folder / name for name in names if name.endswith(".py")]
                found.update(*(SERVICE.findall(source.read_text(errors="replace")) for source in sources))
        return found


@contextlib.contextmanager
def _asked_for_reserved() -> Iterator[list[str]]:
    """Collects the reserved variables that are looked up meanwhile."""
    asked: list[str] = []

    class Watched(os._Environ):  # type: ignore[type-arg]  # noqa: SLF001 - the only way to see os.environ read
        def __getitem__(self, key: Any) -> Any:
            if str(key).startswith(RESERVED):
                asked.append(str(key))
            return super().__getitem__(key)

        def __iter__(self) -> Iterator[Any]:
            if not _reader().startswith(INDIFFERENT):
                asked.append("all of them")
            return super().__iter__()

    plain = type(os.environ)
    os.environ.__class__ = Watched
    try:
        yield asked
    finally:
        os.environ.__class__ = plain


def _reader() -> str:
    """The module that iterates over the environment, through whatever of the standard library's mappings."""
    frame: types.FrameType | None = sys._getframe(2)  # noqa: SLF001 - the way to know a caller
    while frame is not None and frame.f_globals.get("__name__") in {"os", "collections.abc"}:
        frame = frame.f_back
    return "" if frame is None else str(frame.f_globals.get("__name__"))


def _try_import(name: str) -> None:
    with contextlib.suppress(Exception, SystemExit):
        importlib.import_module(name)


def _warm_boto3(services: set[str]) -> None:
    if "boto3" not in sys.modules:
        return
    boto3: Any = sys.modules["boto3"]
    session: Any = importlib.import_module("botocore.session")
    create = session.create_loader
    loaders: dict[Any, Any] = {}

    def shared_loader(search_path_string: Any = None) -> Any:
        if search_path_string not in loaders:
            loaders[search_path_string] = create(search_path_string)
        return loaders[search_path_string]

    session.create_loader = shared_loader  # sessions differ in credentials and settings, not in descriptions
    nobody = {"aws_access_key_id": "none", "aws_secret_access_key": "none", "region_name": "us-east-1"}
    for service in services | {"s3"}:
        with contextlib.suppress(Exception):
            boto3.Session(**nobody).client(service)
    if boto3.DEFAULT_SESSION is None:
        boto3.setup_default_session()


def _immortalize(objects: list[Any]) -> None:
    """Ends the counting of references to these objects and all they refer to (PEP 683): to count is to write.

    A child that only looks at what it shares with the server would copy its pages, one after another.
    """
    forever = sys.getrefcount(None)
    if "t" in sys.abiflags or forever < 1 << 31:  # built without the GIL, where counts are kept otherwise; before 3.12
        return
    found: set[int] = set()
    while objects:
        one = objects.pop()
        if id(one) not in found:
            found.add(id(one))
            objects.extend(gc.get_referents(one))
            if isinstance(one, types.CodeType):  # the collector does not know what code refers to
                objects += one.co_consts, one.co_names
    for address in found:
        ctypes.c_uint32.from_address(address).value = forever


def _guarded(step: Any) -> int:
    """The exit code that the interpreter gives what ``step`` raises."""
    try:
        step()
    except SystemExit as stop:
        if stop.code is None or isinstance(stop.code, int):
            return (stop.code or 0) & 0xFF
        print(stop.code, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BaseException as error:  # noqa: BLE001 - it is reported as the interpreter does
        trace = error.__traceback__
        while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
            trace = trace.tb_next
        sys.excepthook(type(error), error.with_traceback(trace), trace)
        return 1
    return 0


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and not stream.closed:
            stream.flush()

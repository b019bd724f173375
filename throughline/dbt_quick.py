"""dbt's own work per node, done once or not at all. What it builds is the same.

Of building a small firm, DuckDB takes a quarter. Much of the rest is needless: messages that nobody is told
are made twice, every template is compiled anew in every process, all macros are looked for one by one for
every node, and the collector of cycles walks the whole project again and again. What each costs was measured:
docs/decisions/0027-dbt-tells-nobody-less-often.md.

This module changes the insides of the dbt release that the lock file names; tests/unit/test_dbt_quick.py says
what they must still be like. THROUGHLINE_DBT_PLAIN=1 leaves dbt as it comes, with its log of every statement.

`python -m throughline.dbt_quick ARGUMENTS` is dbt's command line with this done to it.
"""

from __future__ import annotations

import gc
import hashlib
import marshal
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from types import CodeType
from typing import Any

PLAIN = "THROUGHLINE_DBT_PLAIN"
# Shared by all homes of a checkout, as the parsed project is; a folder that is read-only has none.
TEMPLATES = Path(__file__).resolve().parent.parent / "dbt_project" / "target" / "templates.bin"
# Above so many, those that this process had no use for are dropped.
MANY = 20_000
# Levels that neither the console nor the log file is told of.
UNTOLD = ("debug", "test")


def plain() -> bool:
    """Whether dbt is to stay as it comes."""
    return bool(os.environ.get(PLAIN))


def quicken(templates: Path = TEMPLATES) -> Callable[[], None]:
    """Change dbt in this process; `templates` is the file in which compiled templates are kept.

    Call what is returned at the end: it keeps the templates that were compiled anew.
    """
    if plain():
        return lambda: None
    later_messages()
    merged_macros()
    return kept_templates(templates)


def later_messages() -> None:
    """An event's message is made when somebody asks for it, and debug events are told to nobody."""
    from dbt_common.events.base_types import BaseEvent
    from dbt_common.events.event_manager import EventManager

    event: Any = BaseEvent
    manager: Any = EventManager
    make, asked, put, fire = event.__init__, event.__getattr__, event.__setattr__, manager.fire_event

    def remember(self: Any, *args: Any, **kwargs: Any) -> None:
        object.__setattr__(self, "_later", (args, kwargs))

    def made(self: Any) -> None:
        said = self.__dict__.pop("_later", None)
        if said is not None:
            make(self, *said[0], **said[1])

    def get(self: Any, key: str) -> Any:
        made(self)
        return asked(self, key) if key != "pb_msg" else object.__getattribute__(self, key)

    def put_in(self: Any, key: str, value: Any) -> None:
        if key != "pb_msg":
            made(self)
        put(self, key, value)

    def tell(self: Any, e: Any, level: Any = None, *args: Any, **kwargs: Any) -> None:
        if (level or e.level_tag()).value in UNTOLD:
            return
        fire(self, e, level, *args, **kwargs)

    event.__init__, event.__getattr__, event.__setattr__ = remember, get, put_in
    manager.fire_event = tell


def merged_macros() -> None:
    """A node's macros are merged into one dictionary, not looked for in five for each of 750 names."""
    from dbt.context.macros import MacroNamespace

    namespace: Any = MacroNamespace
    build = namespace.__init__

    def merge(self: Any, *args: Any, **kwargs: Any) -> None:
        build(self, *args, **kwargs)
        every: dict[str, Any] = {}
        for one in reversed(list(self._search_order())):
            every.update(one)
        self.merged = every

    namespace.__init__ = merge
    namespace.__getitem__ = lambda self, key: self.merged[key]
    namespace.__iter__ = lambda self: iter(self.merged)
    namespace.__len__ = lambda self: len(self.merged)


def kept_templates(path: Path) -> Callable[[], None]:
    """Compiled templates, by their text and the environment's class, in memory and in `path`."""
    import jinja2
    from dbt_common.clients import jinja

    kept = _read(path, head())
    before = len(kept)
    used: set[str] = set()
    for environment in (jinja.MacroFuzzEnvironment, jinja.NativeSandboxEnvironment):
        _keep(environment, kept, used, jinja2.Undefined)

    def write() -> None:
        if len(kept) != before:
            held = kept if len(kept) <= MANY else {key: kept[key] for key in used}
            _write(path, head(), held)

    return write


def head() -> bytes:
    """What compiled templates are good for: this Python and this release of Jinja."""
    return f"{sys.version} jinja2 {version('jinja2')}".encode()


def _keep(environment: Any, kept: dict[str, CodeType], used: set[str], usual: type) -> None:
    compile_anew = environment.compile

    def compiled(self: Any, source: Any, *args: Any, **kwargs: Any) -> Any:
        if args or kwargs or not isinstance(source, str) or self.undefined is not usual:
            return compile_anew(self, source, *args, **kwargs)
        key = hashlib.sha256(f"{environment.__name__}\n{source}".encode()).hexdigest()
        used.add(key)
        if (code := kept.get(key)) is None:
            code = kept[key] = compile_anew(self, source)
        return code

    environment.compile = compiled


def _read(path: Path, good_for: bytes) -> dict[str, CodeType]:
    """What was kept by the same Python and the same release of Jinja; nothing when it cannot be read."""
    with suppress(OSError, EOFError, ValueError, TypeError):
        # who can write here can write the models beside it; Python's own .pyc files are read the same way
        found, codes = marshal.loads(path.read_bytes())  # noqa: S302
        if found == good_for:
            return dict(codes)
    return {}


def _write(path: Path, good_for: bytes, kept: dict[str, CodeType]) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}")
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(marshal.dumps((good_for, kept)))
        part.replace(path)


def no_collector() -> None:
    """Before the project is read: its objects stay to the end, so there is no garbage among them."""
    if not plain():
        gc.disable()


def seldom_collect() -> None:
    """What is there by now, as a project that was read, is not looked at again; the rest less often."""
    if not plain():
        gc.freeze()
        gc.enable()
        gc.set_threshold(100_000, 20, 50)


def main(arguments: list[str]) -> int:
    """dbt's command line; its exit code."""
    keep_templates = quicken()
    seldom_collect()
    from dbt.cli.main import dbtRunner

    done = dbtRunner().invoke(arguments)
    keep_templates()
    if done.exception is not None:
        print(done.exception, flush=True)
        return 2
    return 0 if done.success else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Write the reference pages of docs/engineer/reference from what they describe.

    python scripts/build_reference.py           write
    python scripts/build_reference.py --check   write nothing; exit code 1 when a page is stale

mapping.md comes from the canonical ports' YAML, configuration.md from the code that reads throughline.toml
and the connectors' settings (meanings: scripts/reference_texts.yml), cli.md from the command line itself.
"""

from __future__ import annotations

import ast
import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from scripts.build_ports import ENVELOPE  # noqa: E402
from throughline import config  # noqa: E402

PAGES = ROOT / "docs" / "engineer" / "reference"
MODELS = ROOT / "dbt_project" / "models"
TEXTS = ROOT / "scripts" / "reference_texts.yml"
NOTE = "This page is written by `scripts/build_reference.py`.\n"
# every table of throughline.toml once, so that the reader asks for every setting there is
SAMPLE = """
[sources.netsuite]
[[systems_of_record]]
domain = "invoice"
system = "netsuite"
[[entities]]
id = "x"
calendar = "x"
[[entity_whitelist]]
sold_by = "x"
invoiced_by = "x"
"""
# the tables in which a connector is handed its settings, and what tests put there
HANDED = ("settings", "limits", "quota")
# what tests and landing hand over, which nobody sets
OF_TESTS = frozenset({"sleep", "chance", "http_transport", "limits", "quota", "home", "instance"})
SHARED = ("client", "private_key")
DOMAINS = {
    "customer": "Customer to contract",
    "delivery": "Delivery",
    "people": "People",
    "billing": "Bill, collect, recognise, ledger",
    "buy": "Buy",
    "reference": "Reference",
    "health": "Feed health",
}


def _head(name: str) -> str:
    """The words above what is drawn from the code."""
    found: str = yaml.safe_load(TEXTS.read_text(encoding="utf-8"))["heads"][name]
    return found


def cell(text: str) -> str:
    """Text in one cell of a table."""
    return " ".join(text.split()).replace("|", "\\|")


def row(*cells: str) -> str:
    """A row of a table."""
    return "| " + " | ".join(cell(one) for one in cells) + " |"


def table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A whole table."""
    return "\n".join([row(*header), "|" + "---|" * len(header), *(row(*one) for one in rows)])


# --- mapping ---


def _meta(entry: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = entry.get("config", {}).get("meta", {})
    return found


def _type(data_type: str) -> str:
    return {"{{ var('type_text') }}": "text", "{{ var('type_instant') }}": "instant (UTC)"}.get(
        data_type, data_type
    )


def _mapped_by(port: str) -> str:
    found = sorted(path.stem for path in MODELS.glob(f"mapping/*/*__{port}.sql"))
    return ", ".join(f"`{name}`" for name in found) or "nobody yet"


def _port(model: dict[str, Any]) -> str:
    port, meta = model["name"].removeprefix("canonical__"), _meta(model)
    rows = []
    for column in model["columns"]:
        name, about = column["name"], _meta(column)
        if name in ENVELOPE or (column["data_type"] == "bigint" and name.endswith("_key")):
            continue
        never_null = any(one["type"] == "not_null" for one in column.get("constraints", []))
        told = column["description"].strip()
        if about.get("values"):
            told += " One of " + ", ".join(f"`{value}`" for value in about["values"]) + "."
        rows.append(
            (
                f"`{name}`",
                _type(column["data_type"]),
                "yes" if about.get("required") or never_null else "",
                told,
            )
        )
    keeps = str(meta.get("system_of_record", "")).rstrip(".")
    return "\n".join(
        [
            f"### {port}",
            "",
            " ".join(model["description"].split()),
            "",
            f"- Grain: {meta.get('grain', '')}",
            f"- System of record: {keeps}",
            f"- Mapping models: {_mapped_by(port)}",
            *([f"- Notes: {cell(str(meta['mapping']))}"] if meta.get("mapping") else []),
            "",
            table(("column", "type", "needed", "meaning"), rows),
            "",
        ]
    )


def mapping() -> str:
    """The canonical ports with grain, columns and who fills them."""
    parts = [
        "# Mapping reference",
        "",
        _head("mapping"),
        NOTE,
    ]
    for domain, title in DOMAINS.items():
        parts += [f"## {title}", ""]
        for path in sorted(MODELS.glob(f"canonical/{domain}/canonical__*.yml")):
            parts += [_port(model) for model in yaml.safe_load(path.read_text(encoding="utf-8"))["models"]]
    return "\n".join(parts).rstrip() + "\n"


# --- configuration ---


class _Recorder(config._Reader):
    """Takes settings as the reader of throughline.toml does, and notes what it was asked for."""

    asked: dict[str, dict[str, tuple[str, str]]]

    def take(self, name: str, kind: Any, default: Any = ...) -> Any:
        """As the reader does."""
        kinds = kind if isinstance(kind, tuple) else (kind,)
        if not {dict, list} & set(kinds):
            where = re.sub(r"[.\[:].*", "", self.where)
            types = "date" if config.date in kinds else " or ".join(one.__name__ for one in kinds)
            self.asked.setdefault(where, {}).setdefault(name, (types, _default(default)))
        return super().take(name, kind, default)


def _default(value: Any) -> str:
    if value is ...:
        return "has to be set"
    if value is None:
        return "open"
    if value == config.BEGINNING:
        return "always"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def asked() -> dict[str, dict[str, tuple[str, str]]]:
    """Table of throughline.toml -> setting -> its type and what holds unless it is set."""
    _Recorder.asked = {}
    reader, config._Reader = config._Reader, _Recorder  # type: ignore[misc]
    try:
        config.parse(Path("throughline.toml"), SAMPLE)
    finally:
        config._Reader = reader  # type: ignore[misc]
    found = _Recorder.asked
    name, instance = "netsuite", "main"
    kind, shown = found["sources"]["dataset"]
    found["sources"]["dataset"] = (kind, shown.replace(f"{name}_{instance}", "CONNECTOR_INSTANCE"))
    kind, shown = found["sources"]["connector"]
    found["sources"]["connector"] = (kind, shown.replace(name, "NAME"))
    return found


def _known(module: ModuleType, node: ast.expr) -> str:
    """What a default in the code amounts to."""
    try:
        standard = getattr(module, "RetryPolicy", object)()
        value = eval(ast.unparse(node), {**vars(module), "standard": standard})  # noqa: S307
    except Exception:
        return "–"
    return "–" if value in ("", None) else _default(value)


def _from(node: ast.expr) -> str | None:
    """Whether a value is taken from settings or limits: the table's name."""
    if ast.unparse(node) == "source.options":
        return "settings"
    if isinstance(node, ast.Name) and node.id in HANDED:
        return node.id
    if isinstance(node, ast.Attribute) and node.attr.lstrip("_") in HANDED:
        return node.attr.lstrip("_")
    if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
        told = str(node.args[0].value)
        return told if told in {"limits", "quota"} else None
    return None


def _taken(module: ModuleType, tree: ast.AST) -> Iterator[tuple[str, str, str]]:
    """Table (settings or limits), name and default of every setting that code takes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and _from(node.value) and isinstance(node.slice, ast.Constant):
            yield str(_from(node.value)), str(node.slice.value), "–"
        if not isinstance(node, ast.Call) or not node.args:
            continue
        if isinstance(node.func, ast.Name) and node.func.id == "setting" and len(node.args) > 1:
            if isinstance(node.args[1], ast.Constant):
                yield "settings", str(node.args[1].value), "has to be set"
        elif isinstance(node.func, ast.Attribute) and node.func.attr == "get":
            told = _from(node.func.value)
            if told and isinstance(node.args[0], ast.Constant):
                default = _known(module, node.args[1]) if len(node.args) > 1 else "–"
                yield told, str(node.args[0].value), default


def _shared(module: ModuleType, name: str) -> list[ast.AST]:
    tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
    return [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name]


def connectors() -> dict[str, dict[tuple[str, str], str]]:
    """Source -> (table, setting) -> what holds unless it is set; "" is what every source takes."""
    from pipelines import landing, sources
    from throughline.commands import source_check

    found: dict[str, dict[tuple[str, str], str]] = {"": {}}

    def note(source: str, module: ModuleType, tree: ast.AST) -> None:
        for told, name, default in _taken(module, tree):
            if name not in OF_TESTS:
                known = found.setdefault(source, {}).get((told, name), "–")
                # needed in one way of logging in and not in the other
                found[source][told, name] = default if known == "–" else known

    for module in (landing, source_check):
        note("", module, ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8")))
    for name in sources.source_names():
        if name not in _comes_with_the_project():
            continue
        module = importlib.import_module(f"pipelines.sources.{name}.source")
        texts, modules = Path(str(module.__file__)).read_text(encoding="utf-8"), [module]
        if "pipelines.sources.platform" in texts:
            platform = importlib.import_module("pipelines.sources.platform")
            modules.append(platform)
            texts += Path(str(platform.__file__)).read_text(encoding="utf-8")
        for word in SHARED:
            if f"{word}(" in texts:
                for tree in _shared(sources, word):
                    note(name, sources, tree)
        for one in modules:
            note(name, one, ast.parse(Path(str(one.__file__)).read_text(encoding="utf-8")))
    return found


def _comes_with_the_project() -> frozenset[str]:
    """Sources that the page tells of: those whose README is kept by hand, not written by `source new`."""
    from pipelines import sources

    return frozenset(
        name for name in sources.source_names() if not (ROOT / f"docs/engineer/sources/{name}.md").exists()
    )


def _parameters() -> list[str]:
    """Names under [parameters] that models ask for."""
    found: set[str] = set()
    for path in MODELS.rglob("*.sql"):
        found |= set(re.findall(r"run_parameter\('(\w+)'\)", path.read_text(encoding="utf-8")))
    return sorted(found)


def _meaning(texts: dict[str, Any], name: str, where: str) -> Any:
    if name not in texts:
        raise SystemExit(f"{TEXTS.relative_to(ROOT)} says nothing of {name} ({where}); add a line")
    return texts[name]


def _no_longer(told: set[str], read: set[str], where: str) -> None:
    if told - read:
        gone = ", ".join(sorted(told - read))
        raise SystemExit(f"{TEXTS.relative_to(ROOT)} tells of {gone} ({where}), which no code reads")


def configuration() -> str:
    """Every setting, where it stands, what it means."""
    texts = yaml.safe_load(TEXTS.read_text(encoding="utf-8"))
    parts = [
        "# Configuration reference",
        "",
        _head("configuration"),
        NOTE,
    ]
    found = asked()
    _no_longer(set(texts["tables"]), set(found), "tables")
    for where, settings in found.items():
        told = _meaning(texts["tables"], where, "tables")
        _no_longer(set(told["settings"]), set(settings), told["title"])
        rows = [
            (f"`{name}`", kind, default, str(_meaning(told["settings"], name, told["title"])))
            for name, (kind, default) in settings.items()
        ]
        parts += [f"## {told['title']}", ""]
        if told.get("note"):
            parts += [told["note"].strip(), ""]
        parts += [table(("setting", "type", "unless set", "meaning"), rows), ""]
        if where == "systems_of_record":
            usual = [
                (f"`{name}`", kinds.kinds[0].upper(), "yes" if kinds.by_entity else "no")
                for name, kinds in config.RECORD_DOMAINS.items()
            ]
            parts += [table(("domain", "usual record", "by legal entity"), usual), ""]
    shares = {
        name: default
        for settings in connectors().values()
        for (told, name), default in settings.items()
        if told == "quota"
    }
    _no_longer(set(texts["quota"]), set(shares), "quota")
    quota = [
        (f"`{name}`", default, str(_meaning(texts["quota"], name, "quota")))
        for name, default in shares.items()
    ]
    parts += [
        "## [quota]",
        "",
        "For all sources; `[quota.NAME]` holds for one.",
        "",
        table(("setting", "unless set", "meaning"), quota),
        "",
        "## [parameters]",
        "",
        _head("parameters"),
    ]
    names = _parameters()
    _no_longer(set(texts["parameters"]), set(names), "parameters")
    rows = [(f"`{name}`", str(_meaning(texts["parameters"], name, "parameters"))) for name in names]
    parts += [table(("parameter", "meaning"), rows), "", *_of_connectors(texts), *_of_environment(texts)]
    return "\n".join(parts).rstrip() + "\n"


def _of_connectors(texts: dict[str, Any]) -> Iterator[str]:
    yield from (
        "## Settings of the connectors",
        "",
        _head("connectors"),
    )
    found = connectors()
    read: dict[str, set[str]] = {"settings": set(), "limits": set(), "quota": set()}
    for settings in found.values():
        for told, name in settings:
            read[told].add(name)
    _no_longer(set(texts["connectors"]), read["settings"], "connectors")
    _no_longer(set(texts["limits"]), read["limits"], "limits")
    for source, settings in found.items():
        rows = []
        for (told, name), default in sorted(settings.items()):
            if told == "settings":
                text = _meaning(texts["connectors"], name, source)
                where = "secrets" if text.get("secret") else "throughline.toml"
                rows.append((f"`{name}`", where, default, text["text"]))
            elif told == "limits":
                text = _meaning(texts["limits"], name, source)
                rows.append((f"`limits.{name}`", "throughline.toml", default, text))
        rows.sort(key=lambda one: (one[0].startswith("`limits"), one[0]))
        yield from (f"### {source or 'Every source'}", "")
        yield from (table(("setting", "where", "unless set", "meaning"), rows), "")


def _of_environment(texts: dict[str, Any]) -> Iterator[str]:
    rows = [
        (f"`{name}`", str(told.get("unless", "–")), told["text"])
        for name, told in texts["environment"].items()
    ]
    yield from ("## Environment", "", table(("variable", "unless set", "meaning"), rows), "")


# --- command line ---


def _kind(parameter: Any) -> str:
    annotation = parameter.type_descriptor.annotation
    if hasattr(annotation, "__members__"):
        return "|".join(annotation.__members__)
    return {"int": "NUMBER", "Path": "PATH", "float": "NUMBER"}.get(
        getattr(annotation, "__name__", ""), "TEXT"
    )


def _parameter(parameter: Any) -> tuple[str, str, str]:
    names = ", ".join(f"`{name}`" for name in [*parameter.opts, *parameter.secondary_opts])
    if parameter.param_type_name == "argument":
        name = parameter.name.rstrip("_").upper()
        names = f"`{name}`" if parameter.required else f"`[{name}]`"
    elif not parameter.is_flag:
        names += f" {_kind(parameter)}"
    default = parameter.default
    if parameter.required:
        shown = "has to be given"
    elif default in (None, False, (), []) or isinstance(default, Path):
        shown = ""
    else:
        shown = f"`{getattr(default, 'value', default)}`"
    return names, shown, parameter.help or ""


def _command(command: Any, path: str) -> Iterator[str]:
    if hasattr(command, "list_commands"):
        for name in command.list_commands(None):
            yield from _command(command.get_command(None, name), f"{path} {name}")
        return
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    shown = [one.name.rstrip("_").upper() for one in arguments]
    usage = [name if one.required else f"[{name}]" for name, one in zip(shown, arguments, strict=True)]
    options = ["[OPTIONS]"] if any(one.param_type_name == "option" for one in command.params) else []
    help_text, _, example = " ".join((command.help or "").split()).partition("Example: ")
    heading = f"### {path.removeprefix('throughline ')}"
    yield from (heading, "", f"`{' '.join([path, *options, *usage])}`", "", help_text.strip(), "")
    if example:
        yield from (f"Example: `{example.strip()}`", "")
    rows = [_parameter(one) for one in command.params if one.name != "help"]
    if rows:
        yield from (table(("option", "unless given", "meaning"), rows), "")


def command_line() -> str:
    """Every command with its options."""
    from typer.main import get_command

    from throughline.cli import app

    top: Any = get_command(app)
    parts = [
        "# Command line reference",
        "",
        _head("cli"),
        NOTE,
    ]
    for name in top.list_commands(None):
        command = top.get_command(None, name)
        if hasattr(command, "list_commands"):
            parts += [f"## {name}", "", command.help or "", ""]
            alone = " ".join((command.callback.__doc__ or "").split()) if command.callback else ""
            if alone and command.invoke_without_command:
                says, _, example = alone.partition("Example: ")
                parts += [f"`{example}`: {says[0].lower()}{says[1:].strip()}", ""]
        else:
            parts += [f"## {name}", ""]
        lines = list(_command(command, f"throughline {name}"))
        # a verb of its own needs no second heading
        parts += lines if hasattr(command, "list_commands") else lines[2:]
    return "\n".join(parts).rstrip() + "\n"


def pages() -> dict[Path, str]:
    """Every page with its text."""
    return {
        PAGES / "mapping.md": mapping(),
        PAGES / "configuration.md": configuration(),
        PAGES / "cli.md": command_line(),
    }


def stale() -> list[Path]:
    """The pages that are not as they would be written."""
    return [
        path
        for path, text in pages().items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]


def main(arguments: list[str]) -> int:
    """Write what has changed, or with --check say what would."""
    wrong = stale()
    texts = pages() if wrong else {}
    for path in wrong:
        print(path.relative_to(ROOT))
        if "--check" not in arguments:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(texts[path], encoding="utf-8")
    return 1 if wrong and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Writing a new source: its name checked, every file worked out, then all of them or none."""

from __future__ import annotations

import keyword
import re
from decimal import Decimal
from pathlib import Path
from string import Template

from throughline.errors import error
from throughline.scaffold import models
from throughline.scaffold.domain import domains
from throughline.scaffold.kinds import PAGES, SYSTEMS, Files, Kind, New, kinds

NAME = re.compile(r"[a-z][a-z0-9]{1,29}")
# schemas and catalogues of the warehouse, which a source's dataset or models would be taken for
TAKEN = frozenset(
    {"landing", "inputs", "raw", "build", "serving", "main", "canonical", "master", "marts", "person"}
)
README = Template("""# $title

$what

| | |
|---|---|
| Reached by | $reached |
| Changed rows | $changed |
| Deleted rows | $deleted |
| Control figures | sum of `$amount`, and the rows that the vendor counts |

What lands is listed in [source.yml](source.yml); what was recorded of the vendor is in [recorded](recorded).

## Setting it up

1. In `throughline.toml`: `[sources.$name]` with `base_url = "https://..."`.
2. In `.dlt/secrets.toml` of the home: `[sources.$name]` with $secrets.

## Still invented

Fields, words and records are made up until they are replaced by the vendor's:
[the steps](../../../docs/engineer/add-a-source.md).
""")
DOCS = Template("""# $title

$what A source of the kind `$kind` for the firm's $system.

| landed | port | staging | mapping |
|---|---|---|---|
| `${name}_main.$resource` | `$port` | `stg_${name}__$resource` | `${name}__$port` |

Settings and what is read stand in [its README](../../../pipelines/sources/$name/README.md).

- `throughline source conform $name` checks it offline, against `pipelines/sources/$name/recorded`.
- `throughline source check $name --live` asks the vendor whether it lets us in and has the columns we read.
- `throughline source plan $name` says what the next load would read.
""")
TEST = Template('''"""$title passes the conformance kit, played back from what was recorded of it."""

from __future__ import annotations

import pytest

from pipelines.conform.checks import CHECKS
from pipelines.conform.kit import PASS
from pipelines.conform.source import conform_source


@pytest.mark.parametrize("check", [check.name for check in CHECKS])
def test_${name}_conforms(check: str) -> None:
    outcome = list(conform_source("$name", only=check))[-1]
    assert outcome.outcome == PASS, outcome.detail
''')


def scaffold(root: Path, name: str, domain: str, transport: str, style: str = "page") -> list[Path]:
    """Write a source named `name` below `root`, a checkout of the project; the files, relative to it.

    Raises ThroughlineError E-SRC-042 for a name that cannot be used, E-SRC-043 when something of that name is
    there, E-SRC-044 for a domain or kind that has no scaffold. Then nothing is written.
    """
    _check_name(name)
    if domain not in domains():
        raise error("E-SRC-044", what="domain", given=domain, known=", ".join(domains()))
    if style not in PAGES:
        raise error("E-SRC-044", what="style of pages", given=style, known=", ".join(PAGES))
    known = kinds(style)
    if transport not in known:
        raise error("E-SRC-044", what="kind", given=transport, known=", ".join(known))
    _check_free(root, name)
    files = _files(root, New(name, domains()[domain]), known[transport])
    for path, text in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    return [Path(path) for path in files]


def _check_name(name: str) -> None:
    if not NAME.fullmatch(name):
        why = "2 to 30 lower-case letters and digits, a letter first, no underscore"
        raise error("E-SRC-042", name=name, detail=why, proposal=_proposal(name))
    if name in TAKEN or keyword.iskeyword(name):
        raise error("E-SRC-042", name=name, detail="the word means something here", proposal=f"{name}app")


def _proposal(name: str) -> str:
    return re.sub(r"^[0-9]+", "", re.sub(r"[^a-z0-9]", "", name.lower()))[:30] or "mypsa"


def _check_free(root: Path, name: str) -> None:
    places = [
        f"pipelines/sources/{name}",
        f"pipelines/sources/{name}.py",
        f"dbt_project/models/staging/{name}",
        f"dbt_project/models/mapping/{name}",
        f"tests/landing/test_source_{name}.py",
        f"docs/engineer/sources/{name}.md",
    ]
    for place in places:
        if (root / place).exists():
            raise error("E-SRC-043", name=name, path=place)


def _files(root: Path, new: New, how: Kind) -> Files:
    name, domain = new.name, new.domain
    source = f"pipelines/sources/{name}"
    staging, mapping = f"dbt_project/models/staging/{name}", f"dbt_project/models/mapping/{name}"
    known = {
        "name": name,
        "title": new.title,
        "what": domain.what,
        "kind": how.name,
        "system": SYSTEMS[domain.name],
        "resource": domain.resource,
        "port": domain.port,
        "amount": how.field(domain.amount),
        "reached": how.reached,
        "changed": how.changed,
        "deleted": how.deleted,
        "secrets": ", ".join(f'`{secret} = "..."`' for secret in how.secrets),
    }
    columns = models.port_columns(root, domain.port)
    return {
        f"{source}/__init__.py": f'"""{new.title}."""\n',
        f"{source}/source.py": how.source_py(new),
        f"{source}/source.yml": how.manifest(new),
        f"{source}/README.md": README.substitute(known),
        f"{source}/recorded/settings.yml": _settings(new, how),
        f"{source}/recorded/report.yml": _report(new),
        **{f"{source}/recorded/{file}": text for file, text in how.pages(new).items()},
        f"{staging}/_{name}.yml": models.properties(name, new.title, domain),
        f"{staging}/stg_{name}__{domain.resource}.sql": models.staging(name, domain),
        f"{mapping}/_{name}_mapping.yml": models.mapping_properties(name, new.title, domain),
        f"{mapping}/{name}__{domain.port}.sql": models.mapping(name, domain, columns),
        f"tests/landing/test_source_{name}.py": TEST.substitute(known),
        f"docs/engineer/sources/{name}.md": DOCS.substitute(known),
    }


def _settings(new: New, how: Kind) -> str:
    lines = [f"{key}: {value}" for key, value in how.settings(new).items()]
    return "\n".join(
        ["# What the reader is given offline. Made up: a real credential has no place here.", *lines, ""]
    )


def _report(new: New) -> str:
    records, amount = new.domain.records(), new.domain.amount
    total = sum((Decimal(record[amount]) for record in records if record[amount] is not None), Decimal(0))
    return (
        "# The figures of the vendor's own report on the recorded pages; not to be added up from them.\n"
        f'{new.domain.resource}: {{rows: {len(records)}, amount: "{total}"}}\n'
    )

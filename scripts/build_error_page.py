"""Write docs/errors.md, the page of every error, from the catalogue.

Usage: python scripts/build_error_page.py
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from throughline.errors import catalogue  # noqa: E402

PAGE = ROOT / "docs" / "errors.md"
FAMILIES = {
    "APP": "the dashboard",
    "CFG": "configuration",
    "CLS": "closing of periods",
    "LND": "landing",
    "PUB": "publishing",
    "QRY": "reading",
    "REC": "reconciliation",
    "RUN": "runs and their stages",
    "SBX": "the sandbox",
    "SRC": "sources",
    "STA": "people's input",
}
HEAD = """# Errors

Every error the command line can end with: what happened, what it means for the numbers, why, how to mend
it, what to run then. `throughline explain CODE` says the same. Words in braces are filled in where the error
happens. This page is written by `scripts/build_error_page.py`.
"""


def page() -> str:
    """The page's text."""
    parts = [HEAD]
    for code, entry in sorted(catalogue().items()):
        family = FAMILIES[code.split("-")[1]]
        parts.append(
            f"## {code}\n\n**{entry.what}** ({family}; exit code {entry.exit_code})\n\n"
            f"- Effect: {entry.effect}\n- Why: {entry.why}\n- Fix: {entry.fix}\n- Then: `{entry.then}`\n"
        )
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")

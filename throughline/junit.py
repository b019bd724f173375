"""Outcomes of the conformance kit as JUnit XML, which CI systems show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from xml.etree import ElementTree

if TYPE_CHECKING:
    from pipelines.conform.kit import Outcome


def as_junit(outcomes: Sequence[Outcome]) -> str:
    """One suite per source; what was not run or does not apply is skipped, with its reason."""
    from pipelines.conform.kit import FAIL, PASS

    top = ElementTree.Element("testsuites", name="throughline source conform")
    for source in dict.fromkeys(one.source for one in outcomes):
        cases = [one for one in outcomes if one.source == source]
        counts = {
            "tests": len(cases),
            "failures": sum(one.outcome == FAIL for one in cases),
            "skipped": sum(one.outcome not in {PASS, FAIL} for one in cases),
        }
        attributes = {name: str(number) for name, number in counts.items()}
        suite = ElementTree.SubElement(top, "testsuite", {"name": source, "errors": "0", **attributes})
        for one in cases:
            names = {"classname": f"conform.{source}", "name": one.check}
            case = ElementTree.SubElement(suite, "testcase", names)
            if one.outcome == FAIL:
                told = ElementTree.SubElement(case, "failure", {"message": _printable(one.detail)})
                told.text = _printable(f"{one.says}\nEffect: {one.effect}\nFix: {one.fix}")
            elif one.outcome != PASS:
                ElementTree.SubElement(case, "skipped", {"message": _printable(one.detail)})
    ElementTree.indent(top)
    return ElementTree.tostring(top, encoding="unicode", xml_declaration=True) + "\n"


def _printable(text: str) -> str:
    """`text` without the control characters that XML cannot hold."""
    return "".join(one for one in text if one >= " " or one in "\n\t")

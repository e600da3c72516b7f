"""A verification as JUnit XML: a test case a row."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from .sim.rtl.cosim import CocotbRun
from .verdicts import Role, Verification
from .wording import question

__all__ = ["junit", "xml_text"]

_NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot hold, section 2.2; names in a file may."""
_UNKNOWN = "\N{REPLACEMENT CHARACTER}"


def junit(result: Verification, name: str, *, strict: bool = False) -> str:
    """XML text; a row that deviates is a failure, a fidelity row only with ``strict``."""
    failures = [r for r in result.rows if not r.verdict.agrees and _counts(r.role, strict)]
    skipped = [r for r in result.rows if str(r.verdict.status) == "skipped"]
    suite = ElementTree.Element(
        "testsuite",
        name=f"lifstone verify {name}",
        tests=str(len(result.rows)),
        failures=str(len(failures)),
        errors="0",
        skipped=str(len(skipped)),
        time=f"{sum(r.seconds for r in result.rows):.3f}",
    )
    for row in result.rows:
        v = row.verdict
        case = ElementTree.SubElement(
            suite,
            "testcase",
            classname=f"lifstone.{row.role}",
            name=f"{v.body} against {v.reference}: {question(row)}",
            time=f"{row.seconds:.3f}",
        )
        if row in failures:
            ElementTree.SubElement(case, "failure", message=str(v)).text = str(v)
        elif row in skipped:
            ElementTree.SubElement(case, "skipped", message=v.reason)
        else:
            ElementTree.SubElement(case, "system-out").text = str(v)
    for run in result.cocotb:
        _add_scenarios(suite, run)
    return xml_text(suite)


def xml_text(suite: ElementTree.Element) -> str:
    """The text of a test suite, without characters that XML cannot hold."""
    ElementTree.indent(suite)
    text = ElementTree.tostring(suite, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{_NOT_XML.sub(_UNKNOWN, text)}\n'


def _add_scenarios(suite: ElementTree.Element, run: CocotbRun) -> None:
    """A test case for each scenario under cocotb, beside that of the whole row."""
    for outcome in run.outcomes:
        case = ElementTree.SubElement(
            suite,
            "testcase",
            classname=f"lifstone.cocotb.{run.simulator}",
            name=outcome.scenario,
            time=f"{outcome.seconds:.3f}",
        )
        if outcome.failure:
            ElementTree.SubElement(case, "failure", message=outcome.failure).text = outcome.failure
    bad = sum(bool(o.failure) for o in run.outcomes)
    for name, more in (("tests", len(run.outcomes)), ("failures", bad)):
        suite.set(name, str(int(suite.get(name, "0")) + more))


def _counts(role: Role, strict: bool) -> bool:
    return strict or role is Role.CONFORMANCE

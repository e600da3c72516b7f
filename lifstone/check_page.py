"""A check of a user's core as JUnit XML and as an HTML page."""

from __future__ import annotations

from xml.etree import ElementTree

from jinja2 import Environment, PackageLoader, StrictUndefined

from . import __version__
from .junit import xml_text
from .sim.rtl.user_core import Plan, UserCore
from .sim.rtl.user_core_check import Checked

__all__ = ["check_junit", "check_page"]


def check_junit(checked: Checked, core: UserCore, seconds: float) -> str:
    """XML text: a test case for each segment of the stimulus, or one for a core that stopped."""
    said = str(checked.verdict)
    bad = [row.segment for row in checked.rows if row.differing]
    cases = [
        (f"{row.segment}: {row.aim}", f"{row.differing:,} of {row.compared:,} values differ", row)
        for row in checked.rows
    ]
    suite = ElementTree.Element(
        "testsuite",
        name=f"lifstone check {core.top}",
        tests=str(len(cases) or 1),
        failures=str(len(bad) if cases else int(not checked.verdict.agrees)),
        errors="0",
        skipped="0",
        time=f"{seconds:.3f}",
    )
    for name, count, row in cases:
        case = _case(suite, core, name)
        if row.differing:
            first = said if row.segment == bad[0] else count
            ElementTree.SubElement(case, "failure", message=first).text = f"{count}\n{said}"
        else:
            ElementTree.SubElement(case, "system-out").text = f"exact, {row.compared:,} values"
    if not cases:
        case = _case(suite, core, "the run")
        ElementTree.SubElement(case, "failure", message=said).text = said
    return xml_text(suite)


def _case(suite: ElementTree.Element, core: UserCore, name: str) -> ElementTree.Element:
    return ElementTree.SubElement(suite, "testcase", classname=f"lifstone.{core.top}", name=name)


def check_page(checked: Checked, core: UserCore, plan: Plan, command: str) -> str:
    """A page without outside parts; every text of the user's is escaped."""
    environment = Environment(
        loader=PackageLoader("lifstone"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    ports = [(field, name) for field, name, _ in core.ports.named()]
    settings = [
        ("sources", ", ".join(p.name for p in core.sources)),
        ("contract", f"{core.contract_from}; n = {core.contract.n}, {core.contract.width} bits"),
        ("reset is active", core.ports.reset_active),
        ("latency, interval", f"{core.latency}, {core.interval} clocks"),
        ("stimulus", f"{plan.steps:,} steps, seed {plan.seed}"),
    ]
    where = checked.verdict.difference
    return environment.get_template("check.html.j2").render(
        top=core.top,
        verdict=str(checked.verdict),
        tone="good" if checked.verdict.agrees else "bad",
        rows=checked.rows,
        around=checked.around,
        first=None if where is None else where.step,
        coverage=[] if checked.coverage is None else checked.coverage.sentences(),
        notes=checked.notes,
        settings=[*settings, *ports],
        command=command,
        version=__version__,
    )

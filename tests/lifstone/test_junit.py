"""JUnit XML: valid whatever the names, with counts that are right."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifstone import verify
from lifstone.golden import Connection, Difference, Lif, Network, Status, Verdict
from lifstone.junit import junit
from lifstone.verdicts import Role, Row, Verification


@pytest.fixture(scope="module")
def real() -> Verification:
    connection = Connection("x", "p", np.full((1, 2), 3.0))
    model = Network(1e-3, {"x": 2}, {"p": Lif(tau_mem=10e-3)}, (connection,), ("p",))
    return verify(model, bodies=("network",), steps=5)


def row(status: Status, role: Role = Role.CONFORMANCE, **changes: Any) -> Row:
    return Row(Verdict("rtl", "contract", status, **changes), role, 0.25)


def parsed(text: str) -> ElementTree.Element:
    assert text.startswith('<?xml version="1.0" encoding="UTF-8"?>\n')
    return ElementTree.fromstring(text.encode("utf-8"))


def test_counts_and_kinds(real: Verification) -> None:
    rows = (
        row(Status.EXACT),
        row(Status.DEVIATES, reason="it hangs"),
        row(Status.SKIPPED, reason="no neuron"),
        row(Status.DEVIATES, Role.FIDELITY, reason="rounding"),
    )
    result = Verification(real.case, rows, real.options)
    for strict, failures in ((False, 1), (True, 2)):
        suite = parsed(junit(result, "m.nir", strict=strict))
        assert suite.attrib["name"] == "lifstone verify m.nir"
        counts = [suite.attrib[k] for k in ("tests", "failures", "errors", "skipped", "time")]
        assert counts == ["4", str(failures), "0", "1", "1.000"]
        cases = suite.findall("testcase")
        assert len(cases) == 4
        assert [c.attrib["time"] for c in cases] == ["0.250"] * 4
        assert len(list(suite.iter("failure"))) == failures
        assert [s.attrib["message"] for s in suite.iter("skipped")] == ["no neuron"]
        assert [c.attrib["classname"] for c in cases] == [
            *["lifstone.conformance"] * 3,
            "lifstone.fidelity",
        ]
    assert next(suite.iter("failure")).attrib["message"] == "deviates: it hangs"


@given(name=st.text(), reason=st.text(min_size=1))
def test_any_name_gives_valid_xml(real: Verification, name: str, reason: str) -> None:
    where = Difference(1, name, 0, "v", 1.0, 2.0)
    rows = (row(Status.DEVIATES, difference=where, reason=reason),)
    text = junit(Verification(real.case, rows, real.options), name)
    suite = parsed(text)
    assert suite.attrib["failures"] == "1"
    assert next(suite.iter("failure")).attrib["message"].startswith("deviates at step 1, neuron")

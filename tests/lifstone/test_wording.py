"""The words of a verification."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifstone import verify
from lifstone.golden import Connection, Difference, Lif, Network, Status, Verdict
from lifstone.text import one_line
from lifstone.verdicts import Role, Row, Verification
from lifstone.wording import finding, measured, question, si, summary, tone, word

PLACE = Difference(7, "p", 3, "spike", 1.0, 0.0)


def row(role: Role = Role.CONFORMANCE, **changes: Any) -> Row:
    values = {"body": "rtl", "reference": "contract", "status": Status.EXACT, "compared": 12}
    return Row(Verdict(**{**values, **changes}), role, 0.1)


@pytest.fixture(scope="module")
def real() -> Verification:
    connection = Connection("x", "p", np.full((1, 2), 3.0))
    model = Network(1e-3, {"x": 2}, {"p": Lif(tau_mem=10e-3)}, (connection,), ("p",))
    return verify(model, bodies=("network",), steps=5)


def saying(real: Verification, *rows: Row) -> list[str]:
    return summary(Verification(real.case, rows, real.options))


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0, "s", "0 s"),
        (4.2e-7, "s", "420 ns"),
        (-1.5e-3, "V", "-1.5 mV"),
        (0.9999, "s", "1 s"),
        (999.9, "Hz", "1 kHz"),
        (12e6, "Hz", "12 MHz"),
        (1e-6, "s", "1 µs"),
        (1e-3, "s", "1 ms"),
        (1e3, "Hz", "1 kHz"),
        (1e20, "Hz", "1e+08 THz"),
        (math.inf, "s", "inf s"),
    ],
)
def test_si(value: float, unit: str, text: str) -> None:
    assert si(value, unit) == text


@given(st.floats(min_value=1e-17, max_value=9e14))
def test_si_keeps_three_digits_and_stays_below_a_thousand(value: float) -> None:
    number, unit = si(value, "s").split()
    factor = {"a": -18, "f": -15, "p": -12, "n": -9, "µ": -6, "m": -3, "": 0, "k": 3, "M": 6,
              "G": 9, "T": 12}[unit[:-1]]  # fmt: skip
    assert math.isclose(float(number) * 10.0**factor, value, rel_tol=0.0051)
    assert float(number) < 1000
    assert "e" not in number


def test_figures_with_their_limit() -> None:
    assert measured(row()) == ""
    assert measured(row(figure=0.0, unit="spikes")) == "0 spikes differ"
    assert measured(row(figure=1.0, unit="spikes")) == "1 spike differ"
    assert measured(row(figure=1234.0, unit="spikes")) == "1,234 spikes differ"
    assert measured(row(figure=2e-7, tolerance=1e-4, unit="s")) == "200 ns (limit 100 µs)"
    assert measured(row(figure=0.0, tolerance=1e-12, unit="(relative)")) == (
        "0 relative (limit 1e-12)"
    )
    assert measured(row(figure=1.0, tolerance=1.0, unit="step")) == "1 steps (limit 1)"
    parted = {"status": Status.DEVIATES, "figure": 0.0, "tolerance": 1e-3, "unit": "s"}
    assert measured(row(**parted)) == "beyond the limit of 1 ms"
    parted |= {"tolerance": 1.0, "unit": "steps"}
    assert measured(row(**parted)) == "beyond the limit of 1 step"


def test_tone_and_word_by_role() -> None:
    bad = {"status": Status.DEVIATES, "difference": PLACE, "reason": "of a reason"}
    assert (word(row()), tone(row())) == ("exact", "good")
    assert (word(row(**bad)), tone(row(**bad))) == ("deviates", "bad")
    cost = row(Role.FIDELITY, **bad)
    assert (word(cost), tone(cost)) == ("differs", "warn")
    skipped = row(status=Status.SKIPPED, reason="there is none")
    assert (word(skipped), tone(skipped)) == ("skipped", "warn")
    assert finding(cost) == ("step 7, neuron p[3]: no spike instead of one, because of a reason")
    assert finding(skipped) == "there is none"


def test_every_row_asks_a_question(real: Verification) -> None:
    assert all(question(r).endswith("?") for r in real.rows)
    strange = row(body="chip", reference="rtl")
    assert question(strange) == "Does chip do what RTL does?"


def test_summaries(real: Verification) -> None:
    assert saying(real, row()) == ["Agrees: RTL does what its reference does."]
    skipped = row(body="spice", status=Status.SKIPPED, reason="no spiking neuron was chosen")
    assert saying(real, row(), skipped) == [
        "Agrees: RTL does what its reference does.",
        "SPICE was skipped: no spiking neuron was chosen.",
    ]
    bad = row(body="network", status=Status.DEVIATES, difference=PLACE)
    assert saying(real, row(), bad) == [
        "network deviates from contract at step 7, neuron p[3].",
        "These agree with their reference: RTL.",
    ]
    broken = row(status=Status.DEVIATES, reason="the design hangs")
    assert saying(real, broken) == ["RTL deviates from contract: the design hangs."]


def test_summaries_of_costs(real: Verification) -> None:
    same = row(Role.FIDELITY, body="golden", reference="event-driven", status=Status.WITHIN)
    moved = row(
        Role.FIDELITY,
        body="contract",
        reference="golden",
        status=Status.DEVIATES,
        figure=5.0,
        compared=2000,
        unit="spikes",
        difference=PLACE,
    )
    assert saying(real, row(), same)[1] == "No spike was moved by the time grid."
    assert saying(real, row(), same, moved)[1] == (
        "Spikes were moved by the integers (5 of 2,000 values differ): what the chosen step and "
        "widths cost, not a defect of a body."
    )
    assert saying(real, same) == ["No spike was moved by the time grid."]


@given(st.text())
def test_one_line_is_one_printable_line(text: str) -> None:
    line = one_line(text)
    assert line.isprintable()
    assert len(line.splitlines()) <= 1

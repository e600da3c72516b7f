"""System 6: summation of postsynaptic potentials as a whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lifstone.golden import InvalidValue
from lifstone.golden.systems import Result, find_system
from lifstone.golden.systems.summation import Parameters, pair_peak, peaks, run, window

SMALL = Parameters(points=4, dt=2e-4)


@pytest.fixture(scope="module")
def default() -> Result:
    return find_system("summation").run(Parameters())


def figure(result: Result, name: str) -> float:
    return next(f.value for f in result.figures if f.name == name)


def test_agrees_and_conductances_add_up_to_less(default: Result) -> None:
    assert default.agrees, [c for c in default.checks if not c.holds]
    linear = figure(default, "paired-pulse ratio, currents")
    real = figure(default, "paired-pulse ratio, conductances")
    assert 1.0 < real < linear < 2.0
    assert figure(default, "coincidence window, conductances") < figure(
        default, "coincidence window, currents"
    )
    assert figure(default, "EPSP left with a simultaneous IPSP") < 1.0
    assert len(default.panels) == 4


def test_simultaneous_currents_double_and_distant_inputs_do_not_meet(default: Result) -> None:
    for series in default.panels[1].series:
        first, last = series.y[0], series.y[-1]
        assert first == pytest.approx(2.0, abs=1e-9) if "current" in series.label else first < 2.0
        assert 1.0 < last < 1.1
        assert (np.diff(series.y) < 1e-12).all()


@pytest.mark.parametrize("shape", ["alpha", "double"])
@pytest.mark.parametrize("current", [True, False])
def test_the_window_is_where_the_pair_meets_threshold(shape: str, current: bool) -> None:
    p = replace(SMALL, v_th=-61e-3)
    s = p.synapse("exc", shape, current)
    lag = window(p, s)
    assert 0.0 < lag < np.inf
    assert pair_peak(p, s, lag) == pytest.approx(9e-3, rel=1e-9)
    assert pair_peak(p, s, lag * 0.99) > 9e-3 > pair_peak(p, s, lag * 1.01)


def test_no_window_for_weak_and_no_end_for_strong_synapses() -> None:
    weak, strong = replace(SMALL, g_exc=1e-10), replace(SMALL, g_exc=3e-8)
    assert window(weak, weak.synapse("exc", "double")) == 0.0
    assert window(strong, strong.synapse("exc", "double")) == np.inf


@pytest.mark.parametrize("tau_mem", [2e-3, 20e-3, 0.5])
@pytest.mark.parametrize("shape", ["alpha", "double"])
def test_every_peak_lies_within_the_time_looked_at(tau_mem: float, shape: str) -> None:
    """A tail twice as long finds no higher peak."""
    p = replace(SMALL, tau_mem=tau_mem)

    class Longer(Parameters):
        def tail(self) -> float:
            return 2 * super().tail()

    longer = Longer(**vars(p))
    for current in (True, False):
        arrivals = [(p.synapse("exc", shape, current), np.zeros(1))]
        assert peaks(p, arrivals) == pytest.approx(peaks(longer, arrivals), rel=1e-12)


def test_linear_sums_do_not_depend_on_the_size_of_the_synapse() -> None:
    ratios = [
        figure(run(replace(SMALL, g_exc=g)), "paired-pulse ratio, currents") for g in (4e-9, 1e-11)
    ]
    assert ratios[0] == pytest.approx(ratios[1], rel=1e-9)


def test_a_small_conductance_sums_like_a_current() -> None:
    result = run(replace(SMALL, g_exc=1e-13))
    assert figure(result, "paired-pulse ratio, conductances") == pytest.approx(
        figure(result, "paired-pulse ratio, currents"), rel=1e-4
    )


@pytest.mark.parametrize(
    "changes",
    [{"shape": "alpha"}, {"interval": 0.0}, {"g_inh": 0.0}, {"e_inh": -70e-3},
     {"tau_mem": 5e-3}, {"alpha_exc": 20e-3}, {"rise_exc": 1e-5}],
)  # fmt: skip
def test_agrees_elsewhere(changes: dict[str, Any]) -> None:
    result = run(replace(SMALL, **changes))
    assert result.agrees, [c for c in result.checks if not c.holds]


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: replace(SMALL, g_exc=-1e-9), "g_exc"),
        (lambda: replace(SMALL, shape="square"), "shape"),
        (lambda: replace(SMALL, rise_exc=6e-3), "rise_exc"),
        (lambda: replace(SMALL, e_exc=-65e-3), "e_exc"),
        (lambda: replace(SMALL, v_th=-80e-3), "v_th"),
        (lambda: replace(SMALL, dt=9e-3), "dt"),
        (lambda: replace(SMALL, interval=-1.0), "interval"),
    ],
)
def test_refused(call: Callable[[], object], field: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        call()
    assert caught.value.field == field

"""The F-I curves of the report against the closed form."""

from __future__ import annotations

import numpy as np
import pytest

from lifstone import verify
from lifstone.fi_curves import (
    POINTS,
    STEPS,
    _currents,
    _integer_rates,
    _many,
    _rates,
    _spice_rates,
    _widths,
)
from lifstone.golden import Connection, Lif, Network, run_float
from lifstone.golden.fi import rate, rheobase

NEURONS = [
    Lif(tau_mem=10e-3, t_ref=2e-3),
    Lif(tau_mem=np.inf, r=100.0),
    Lif(tau_mem=2e-3, r=1e8, v_leak=-0.07, v_th=-0.05, v_reset=-0.08),
]
DT = 1e-4


@pytest.mark.parametrize("lif", NEURONS)
def test_spice_follows_the_closed_form(lif: Lif) -> None:
    currents = _currents(lif)[::22]
    found, exact = _spice_rates(lif, currents, DT), rate(lif, currents)
    assert exact[0] == found[0] == 0
    assert (exact[1:] > 0).all()
    np.testing.assert_allclose(found[1:], exact[1:], rtol=2e-4)


def test_grid_and_integers_follow_within_a_step() -> None:
    lif = NEURONS[0]
    currents = _currents(lif)
    net = Network(DT, {}, {"p": _many(lif, POINTS)}, (), ("p",), {"p": currents})
    exact = rate(lif, currents)
    fast = exact > 3 / (STEPS * DT / 2)
    assert fast.sum() > 50
    contract = verify(_driven(lif), bodies=("network",)).case.quantised.contract.populations["p"]
    widths = _widths(contract)
    assert (widths.state, widths.weight, widths.decay) == (16, 8, 12)
    grid = _rates(run_float(net, {}, STEPS)["p"].spikes, DT)
    integers = _integer_rates(net, contract)
    assert integers is not None
    # Threshold and reset at the ends of steps: an interval is up to two steps longer. Integers
    # move the rheobase by a rounding, which counts near it and no farther up.
    away = fast & (currents > 1.3 * rheobase(lif))
    for found, where in ((grid, fast), (integers, away)):
        longer = 1 / found[where] - 1 / exact[where]
        assert longer.min() > -0.6 * DT
        assert longer.max() < 2.6 * DT
    assert away.sum() > 50


def _driven(lif: Lif) -> Network:
    return Network(DT, {"x": 1}, {"p": lif}, (Connection("x", "p", [[60.0]]),), ("p",))


def test_rates_are_those_of_mean_intervals() -> None:
    spikes = np.zeros((STEPS, 3), dtype=bool)
    spikes[600::50, 0] = True
    spikes[700, 1] = True
    np.testing.assert_allclose(_rates(spikes, DT), [1 / (50 * DT), 0, 0])


def test_a_current_beyond_the_words_draws_no_curve() -> None:
    lif = Lif(tau_mem=10e-3)
    contract = verify(_driven(lif), bodies=("network",)).case.quantised.contract.populations["p"]
    net = Network(DT, {}, {"p": lif}, (), ("p",), {"p": np.array([1e6])})
    assert _integer_rates(net, contract) is None

"""The systems on integer cells keep the figures of their float models."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from lifstone.golden import InvalidValue, Lif
from lifstone.golden import conductance as float_model
from lifstone.golden.cell import CellTrace, run_cell
from lifstone.golden.cells import body_chr2
from lifstone.golden.cells.body import BODIES, IntegerBody, binary_lines, integer_body, step_lag
from lifstone.golden.cells.conductance import ConductanceCell
from lifstone.golden.cells.from_float import (
    membrane_of,
    photo_cell,
    potential_bound,
    scale_of,
    synapse_error,
    synapse_of,
)
from lifstone.golden.cells.noise import NoisyLif
from lifstone.golden.systems import chr2
from lifstone.golden.unit import run_unit

body = cache(integer_body)


@cache
def traced(key: str) -> CellTrace:
    made = body(key)
    return run_unit(made.unit, made.inputs, made.steps)


@pytest.mark.parametrize("key", BODIES)
def test_the_figures_hold(key: str) -> None:
    checks = body(key).checks(traced(key))
    assert len(checks) >= 3
    for check in checks:
        assert check.holds, check
        assert check.because


def tighter(cell: Any) -> Any:
    """The cell with a leak that is a sixteenth less, or a quarter where chance hides that."""
    if isinstance(cell, NoisyLif):
        decay = cell.base.decay_mem
        assert decay is not None
        assert decay.coefficient is not None
        less = decay.coefficient + (((1 << decay.fraction) - decay.coefficient) >> 2)
        return replace(cell, base=replace(cell.base, decay_mem=replace(decay, coefficient=less)))
    wrong = replace(cell.membrane, leak=cell.membrane.leak - (cell.membrane.leak >> 4))
    return replace(cell, membrane=wrong)


@pytest.mark.parametrize("key", BODIES)
def test_the_checks_see_another_run(key: str) -> None:
    """A run in which the membranes leak a sixteenth less is told apart."""
    made: IntegerBody = body(key)
    unit = replace(made.unit, cell=tighter(made.unit.cell))
    checks = made.checks(run_unit(unit, made.inputs, made.steps))
    assert not all(check.holds for check in checks)


def test_the_potential_stays_within_its_bound() -> None:
    """Random conductances, many neurons: measured against the exact step in doubles."""
    rng = np.random.default_rng(3)
    n, steps, dt = 50, 600, 2e-4
    lif = Lif(tau_mem=rng.uniform(8e-3, 30e-3, n), r=1e8, v_leak=-65e-3, v_th=np.inf,
              v_reset=-65e-3, n=n)  # fmt: skip
    scale = scale_of(lif, dt, 70e-3, width=18, fraction=18)
    taus, reversals = {"exc": 4e-3, "inh": 9e-3}, {"exc": 0.0, "inh": -80e-3}
    synapses = tuple(
        synapse_of(scale, name, taus[name], reversals[name], width=14, acc_width=14)
        for name in taus
    )
    cell = ConductanceCell(membrane_of(lif, scale, 0.25), synapses)
    spikes = {name: rng.random((steps, n)) < 0.02 for name in taus}
    weight = {"exc": 3e-9, "inh": 6e-9}
    totals = {name: spikes[name] * scale.g(np.full(n, weight[name])) for name in taus}
    run = run_cell(cell, totals)
    g, v, worst = dict.fromkeys(taus, np.zeros(n)), lif.v_leak.copy(), 0.0
    state = float_model.initial_state(lif)
    top = dict.fromkeys(taus, 0.0)
    for k in range(steps):
        for name, tau in taus.items():
            g[name] = g[name] * np.exp(-dt / tau) + weight[name] * spikes[name][k]
            top[name] = max(top[name], float((g[name] * scale.per_siemens).max()))
        load = float_model.load(*((g[name], reversals[name]) for name in taus))
        state, _ = float_model.step(lif, dt, state, load)
        v = scale.volts(run.state["u"][k])
        worst = max(worst, float(np.abs(v - state.v).max()) / scale.lsb)
    far = {"exc": 80e-3 / scale.lsb, "inh": 80e-3 / scale.lsb}
    loads = [(synapse_error(s, taus[s.name], dt, top[s.name], 1.0), far[s.name]) for s in synapses]
    unit = 2.0**-scale.fraction
    drive = sum(top[name] * unit * far[name] for name in taus)
    drive += float((dt / lif.tau_mem).max()) * 65e-3 / scale.lsb
    bound = potential_bound(cell.membrane, loads, drive)
    assert 1.0 < worst <= bound
    assert bound < 60 * worst


def test_a_threshold_is_crossed_where_the_float_one_is() -> None:
    lif = Lif(tau_mem=10e-3, r=1e8, v_leak=-65e-3, v_th=-50e-3, v_reset=-65e-3)
    scale = scale_of(lif, 1e-4, 20e-3)
    threshold = int(membrane_of(lif, scale).threshold[0])
    assert float(scale.volts(np.array([threshold]))[0]) <= -50e-3
    assert float(scale.volts(np.array([threshold + 1]))[0]) > -50e-3


def test_a_threshold_beyond_the_scale_is_refused() -> None:
    lif = Lif(tau_mem=10e-3, r=1e8, v_leak=-65e-3, v_th=-30e-3, v_reset=-65e-3)
    with pytest.raises(InvalidValue, match=r"v_th = 0\.035"):
        scale_of(lif, 1e-4, 20e-3)


def test_a_system_without_a_body_is_refused() -> None:
    with pytest.raises(InvalidValue, match="system = 'fi': allowed is trpv1, hcn, "):
        integer_body("fi")


def test_binary_lines_add_up() -> None:
    counts = np.arange(16)
    assert (binary_lines(counts, 4) @ (1 << np.arange(4)) == counts).all()
    with pytest.raises(InvalidValue, match="counts"):
        binary_lines(np.array([16]), 4)


def test_the_lag_of_spikes() -> None:
    a = np.zeros((10, 2), dtype=np.bool_)
    a[[3, 8], 0] = True
    b = np.roll(a, 1, axis=0)
    assert step_lag(a, a) == 0.0
    assert step_lag(b, a) == 1.0
    assert step_lag(np.zeros_like(a), a) == np.inf
    assert step_lag(np.zeros_like(a), np.zeros_like(a)) == np.inf


def test_three_states_of_channelrhodopsin_fire_with_the_float_model() -> None:
    p = chr2.Parameters()
    neuron, levels = p.neuron("three"), np.array([0.0, p.flux])
    scale = scale_of(neuron.lif, p.dt, 1.25 * (p.v_th - p.v_leak))
    cell = photo_cell(neuron, scale, levels)
    light = (np.arange(1500)[:, None] // 100 % 2).astype(np.int64)
    run = run_cell(cell, {"light": light})
    wanted = body_chr2.on_grid(neuron, levels, light, p.dt)
    assert wanted.sum() > 10
    assert step_lag(run.spikes, wanted) == 0.0
    total = sum(run.state[f"p{k}"] for k in range(3))
    assert (total == cell.one).all()

"""The binary point: as far left as the states need, and no farther."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lifstone.golden import (
    Connection,
    InvalidValue,
    Lif,
    Method,
    Network,
    Trace,
    Widths,
    quantise,
    run_contract,
    run_float,
)
from lifstone.golden.calibrate import calibrate
from lifstone.golden.fidelity import saturated
from tests.networks import random_network

DT = 1e-3


def one(lif: Lif, bias: float = 0.0, method: Method = Method.EXPONENTIAL) -> Network:
    connections = (Connection("x", "p", np.ones((lif.n, 1))),)
    currents = {"p": np.full(lif.n, bias)}
    return Network(DT, {"x": 1}, {"p": lif}, connections, ("p",), currents, method)


def trace(v: Any, i: Any = 0.0) -> dict[str, Trace]:
    v = np.atleast_2d(np.asarray(v, dtype=float)).T
    return {"p": Trace(v, np.broadcast_to(np.asarray(i, dtype=float), v.shape), v > 9e9)}


@pytest.mark.parametrize(
    ("peak", "fraction"),
    [
        # 16 bits hold 2^(15 - fraction) thresholds; 1.25 times the peak must fit.
        (0.1, 14),
        (1.5, 14),
        (1.61, 13),
        (-3.1, 13),
        (3.3, 12),
        (100.0, 8),
        (6553.0, 2),
    ],
)
def test_fraction_covers_the_peak_with_a_margin(peak: float, fraction: int) -> None:
    model = one(Lif(tau_mem=1e-2))
    assert calibrate(model, trace([0.0, peak]), Widths())["p"].fraction == fraction


def test_margin_and_scale() -> None:
    # Rest -65, threshold -50: 30 mV below rest are two thresholds.
    lif = Lif(tau_mem=1e-2, v_leak=-65e-3, v_th=-50e-3, v_reset=-70e-3)
    model = one(lif)
    assert calibrate(model, trace(-95e-3), Widths(), 1.0)["p"].fraction == 14
    assert calibrate(model, trace(-95e-3), Widths(), 1.01)["p"].fraction == 13
    assert calibrate(model, trace(-95e-3), Widths(), 2.1)["p"].fraction == 12


def test_a_given_fraction_is_kept() -> None:
    base = Widths(fraction=7)
    assert calibrate(one(Lif(tau_mem=1e-2)), trace(1e6), base) == {"p": base}


def test_the_synapse_counts_in_units_of_the_membrane() -> None:
    lif = Lif(tau_mem=10e-3, tau_syn=5e-3, r=2.0)
    model = one(lif, method=Method.EULER)
    # r dt / tau_mem = 0.2: a current of 50 moves the membrane by ten thresholds a step.
    assert calibrate(model, trace(0.5, 50.0), Widths(), 1.0)["p"].fraction == 11
    assert calibrate(model, trace(0.5, 5.0), Widths(), 1.0)["p"].fraction == 14
    # A wider synaptic word leaves the point where the membrane has it, a narrow one moves it.
    wide, narrow = Widths(syn=20), Widths(syn=14)
    assert calibrate(model, trace(0.5, 50.0), wide, 1.0)["p"].fraction == 14
    assert calibrate(model, trace(0.5, 5.0), narrow, 1.0)["p"].fraction == 12


def test_a_bias_beyond_the_threshold_fits_too() -> None:
    # It drives the neuron over threshold in every step, so no state after a step shows it.
    model = one(Lif(tau_mem=np.inf, r=1 / DT), bias=100.0)
    runs = run_float(model, {"x": np.zeros((20, 1), np.uint8)})
    assert np.abs(runs["p"].v).max() <= 1.0
    widths = calibrate(model, runs, Widths())
    assert widths["p"].fraction == 8
    contract = quantise(model, widths).contract
    assert run_contract(contract, {"x": np.zeros((20, 1), np.uint8)})["p"].spikes.all()


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), state=st.integers(14, 24))
def test_a_calibrated_contract_does_not_saturate_on_its_stimulus(seed: int, state: int) -> None:
    model = random_network(seed)
    rng = np.random.default_rng(seed)
    spikes = {k: (rng.random((60, n)) < 0.4).astype(np.uint8) for k, n in model.inputs.items()}
    floats = run_float(model, spikes)
    contract = quantise(model, calibrate(model, floats, Widths(state=state, weight=20))).contract
    integers = run_contract(contract, spikes)
    # A moved spike leads elsewhere: compare up to the first.
    parted = [(t.spikes != floats[n].spikes).any(axis=1) for n, t in integers.items()]
    end = int(np.argmax(np.r_[np.any(parted, axis=0), True]))
    for name, t in integers.items():
        c = contract.populations[name]
        below = saturated(c, t)[:end] & ~t.spikes[:end]
        assert not below.any(), name


@pytest.mark.parametrize(
    ("widths", "v", "i", "message"),
    [
        (Widths(), 1e4, 0.0, "p.widths.state = 16: allowed is at least 17 bits: states reach 1e"),
        (Widths(state=8), 100.0, 0.0, "p.widths.state = 8: allowed is at least 10 bits"),
        (Widths(), 0.0, 1e5, "p.widths.syn = 16: allowed is at least 18 bits: states reach 2e"),
    ],
)
def test_words_too_narrow_for_the_states(widths: Widths, v: float, i: float, message: str) -> None:
    model = one(Lif(tau_mem=10e-3, tau_syn=5e-3, r=2.0), method=Method.EULER)
    with pytest.raises(InvalidValue, match=message) as caught:
        calibrate(model, trace(v, i), widths)
    named = int(caught.value.allowed.split()[2])
    both = {"state": named, "syn": named}
    assert calibrate(model, trace(v, i), Widths(**both))["p"].fraction == 2


@pytest.mark.parametrize("margin", [0.5, np.nan, np.inf])
def test_wrong_margins(margin: float) -> None:
    with pytest.raises(InvalidValue, match=r"margin = .*a finite number of at least 1"):
        calibrate(one(Lif(tau_mem=1e-2)), trace(0.0), Widths(), margin)


def test_traces_may_have_a_batch_axis_and_no_steps() -> None:
    model = one(Lif(tau_mem=1e-2))
    v = np.zeros((5, 3, 1))
    v[2, 1] = 9.0
    batch = {"p": Trace(v, v, v > 9e9)}
    assert calibrate(model, batch, Widths())["p"].fraction == 11
    empty = {"p": Trace(v[:0], v[:0], v[:0] > 9e9)}
    assert calibrate(model, empty, Widths())["p"].fraction == 14


def test_a_network_that_was_trained_for_its_point_keeps_it() -> None:
    model = replace(one(Lif(tau_mem=np.inf, r=1.0 / DT)), fraction={"p": 6})
    wild = trace([0.0, -9999.0])
    assert calibrate(model, wild, Widths())["p"].fraction == 6
    assert calibrate(model, wild, Widths(fraction=3))["p"].fraction == 3
    contract = quantise(model).contract.populations["p"]
    assert (contract.fraction, contract.threshold.tolist()) == (6, [64])
    assert quantise(model, Widths(fraction=8)).contract.populations["p"].fraction == 8
    for fraction, words in (({"q": 6}, "fraction.q"), ({"p": 31}, "0 to 30 bits")):
        with pytest.raises(InvalidValue, match=words):
            replace(model, fraction=fraction)

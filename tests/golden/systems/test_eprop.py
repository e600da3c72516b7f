"""System 15: e-prop against backpropagation, ablations, and the reward-modulated rule."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifstone.golden import InvalidValue, Lif, Reset
from lifstone.golden.learning.adam import Adam
from lifstone.golden.learning.bptt import Adaptation, Gradient, Layer, Rule, backward, forward
from lifstone.golden.learning.eprop import Readout, gradient
from lifstone.golden.learning.reward import RewardRule, pair_change, start, step
from lifstone.golden.systems.eprop import SYSTEM, Parameters, pair_error, train

DT = 1e-3


def recurrent_layer(seed: int, reset: Reset, synapse: bool, adaptive: bool) -> Layer:
    rng = np.random.default_rng(seed)
    neurons = Lif(
        tau_mem=rng.uniform(3e-3, 12e-3, 5),
        r=rng.uniform(2.0, 5.0, 5),
        v_leak=rng.uniform(-0.2, 0.1, 5),
        v_reset=rng.uniform(-0.3, 0.1, 5),
        tau_syn=rng.uniform(2e-3, 6e-3, 5) if synapse else None,
        reset=reset,
    )
    adaptation = Adaptation(0.5, 9e-3) if adaptive else None
    return Layer(neurons, rng.normal(size=(5, 3)), 0.2 * rng.normal(size=5),
                 0.6 * rng.normal(size=(5, 5)), adaptation)  # fmt: skip


CASES = list(itertools.product(Reset, [False, True], [False, True], [False, True]))


@pytest.mark.parametrize(("reset", "synapse", "adaptive", "recurrent"), CASES)
def test_eprop_equals_backpropagation_without_the_recurrent_path(
    reset: Reset, synapse: bool, adaptive: bool, recurrent: bool
) -> None:
    layer = recurrent_layer(4, reset, synapse, adaptive)
    if not recurrent:
        layer = replace(layer, recurrent=None)
    rng = np.random.default_rng(5)
    x = 8.0 * (rng.random((20, 4, 3)) < 0.5)
    rule = Rule(slope=2.0, through_recurrence=not recurrent)
    tape = forward([layer], x, DT, rule)[0]
    assert tape.spikes.sum() > 20
    # A readout y_k = 0.8 y_(k-1) + 0.3 W s_k with a loss linear in y.
    weight, d_y = rng.normal(size=(2, 5)), rng.normal(size=(20, 4, 2))
    d_spikes = np.zeros_like(tape.spikes)
    later = np.zeros((4, 2))
    for k in range(19, -1, -1):
        later = d_y[k] + 0.8 * later
        d_spikes[k] = 0.3 * later @ weight
    (wanted,) = backward([layer], [tape], rule, d_spikes=d_spikes)
    got = gradient(layer, tape, rule, Readout(0.8, 0.3), d_y @ weight)
    for name in ("weight", "bias", "recurrent"):
        a, b = getattr(got, name), getattr(wanted, name)
        assert (a is None) == (b is None) == (name == "recurrent" and not recurrent)
        if a is not None:
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12 * np.abs(b).max())


def test_eprop_and_the_full_gradient_differ_with_recurrence() -> None:
    layer = recurrent_layer(4, Reset.SET, False, False)
    x = (np.random.default_rng(5).random((20, 4, 3)) < 0.5).astype(float)
    tape = forward([layer], x, DT, Rule())[0]
    d = np.random.default_rng(6).normal(size=tape.spikes.shape)
    full = backward([layer], [tape], Rule(), d_spikes=d)[0].weight
    local = gradient(layer, tape, Rule(), Readout(0.0, 1.0), d).weight
    assert np.abs(full - local).max() > 1e-3 * np.abs(full).max()


def test_eprop_system_agrees_learns_and_needs_every_factor() -> None:
    result = SYSTEM.run(Parameters())
    assert result.agrees
    found = {f.name: f.value for f in result.figures}
    learned = found["test accuracy, mean of seeds"]
    assert learned > 0.9
    assert found["standard deviation over seeds"] < 0.1
    assert found["accuracy without trace"] < learned - 0.1
    assert found["accuracy without signal"] < 0.7


def test_eprop_training_is_reproducible() -> None:
    p = Parameters(epochs=2, samples=32)
    assert train(p, 1, "e-prop").tolist() == train(p, 1, "e-prop").tolist()
    assert train(p, 1, "e-prop").tolist() != train(p, 2, "e-prop").tolist()


def test_eprop_system_notices_a_wrong_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    from lifstone.golden.learning import eprop

    right = eprop.spike_slope
    monkeypatch.setattr(eprop, "spike_slope", lambda *a: 1.001 * right(*a))
    assert not SYSTEM.run(Parameters(epochs=1, samples=32, seeds=1)).agrees


@given(
    delay=st.integers(-60, 60).filter(bool),
    wait=st.integers(0, 200),
    tau=st.floats(5e-3, 50e-3),
    reward=st.floats(-2, 2),
)
def test_reward_rule_follows_its_closed_form(
    delay: int, wait: int, tau: float, reward: float
) -> None:
    rule = RewardRule(tau_plus=tau, tau_minus=2 * tau, tau_c=0.1, a_plus=0.7, a_minus=0.4)
    traces = start(1, 1)
    pre, post = (0, delay) if delay > 0 else (-delay, 0)
    for k in range(max(pre, post) + wait + 1):
        spikes = np.array([float(k == pre)]), np.array([float(k == post)])
        traces = step(rule, traces, *spikes, DT)
    wanted = pair_change(rule, delay * DT, wait * DT, reward)
    assert reward * float(traces.c[0, 0]) == pytest.approx(wanted, rel=1e-9, abs=1e-15)


def test_reward_rule_is_blind_to_the_unit_of_time() -> None:
    slow = RewardRule(tau_plus=0.2, tau_minus=0.2, tau_c=2.0)
    fast = RewardRule(tau_plus=0.02, tau_minus=0.02, tau_c=0.2)
    assert pair_change(slow, 0.1, 1.0) == pytest.approx(pair_change(fast, 0.01, 0.1))
    assert pair_error(fast)[0] < 1e-12


def test_reward_rule_treats_batches_alike() -> None:
    rng = np.random.default_rng(0)
    pre, post = rng.random((30, 4, 3)) < 0.3, rng.random((30, 4, 2)) < 0.3
    together = start(2, 3, (4,))
    alone = [start(2, 3) for _ in range(4)]
    for k in range(30):
        together = step(RewardRule(), together, pre[k].astype(float), post[k].astype(float), DT)
        alone = [
            step(RewardRule(), a, pre[k, b].astype(float), post[k, b].astype(float), DT)
            for b, a in enumerate(alone)
        ]
    np.testing.assert_allclose(together.c, [a.c for a in alone])


def test_adam_takes_steps_of_its_rate_and_skips_what_has_no_gradient() -> None:
    layer = Layer(Lif(tau_mem=1e-2, n=2), np.zeros((2, 1)), np.zeros(2))
    grad = Gradient(np.array([[1e-3], [-5.0]]), np.zeros(2), None)
    one, other = Adam(0.1).apply([layer, layer], [grad, None])
    np.testing.assert_allclose(one.weight, [[-0.1], [0.1]], rtol=1e-4)
    assert other is layer


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: RewardRule(tau_c=0.0), "tau_c = 0.0: allowed is above 0"),
        (lambda: RewardRule(a_plus=np.nan), "a_plus = nan"),
        (lambda: Readout(1.5, 1.0), "decay = 1.5"),
        (lambda: Readout(0.5, np.inf), "gain = inf"),
        (lambda: Adaptation(np.nan, 1.0), "beta = nan"),
        (lambda: Adaptation(1.0, 0.0), "tau = 0.0"),
        (lambda: Adam(0.0), "rate = 0.0"),
        (lambda: Parameters(beta=-1.0), "beta = -1.0: allowed is finite numbers from 0"),
    ],
)
def test_wrong_eprop_input(call: Any, message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        call()


def test_eprop_signal_has_the_shape_of_the_spikes() -> None:
    layer = recurrent_layer(0, Reset.SET, False, False)
    tape = forward([layer], np.ones((3, 1, 3)), DT, Rule())[0]
    with pytest.raises(InvalidValue, match=r"signal = \[3, 1, 2\]"):
        gradient(layer, tape, Rule(), Readout(0.5, 1.0), np.ones((3, 1, 2)))

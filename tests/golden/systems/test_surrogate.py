"""System 14: surrogate gradients against finite differences, and against autograd."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from lifstone.golden import Connection, InvalidValue, Lif, Network, Reset, run_float
from lifstone.golden.learning.bptt import Adaptation, Layer, Rule, backward, forward
from lifstone.golden.learning.surrogate import Surrogate, derivative, smooth
from lifstone.golden.systems.surrogate import SYSTEM, Parameters

DT = 1e-3


def layers(
    seed: int, reset: Reset, synapse: bool, readout: bool, adaptive: bool = False
) -> list[Layer]:
    rng = np.random.default_rng(seed)

    def neurons(n: int, last: bool) -> Lif:
        return Lif(
            tau_mem=rng.uniform(3e-3, 12e-3, n),
            r=rng.uniform(2.0, 5.0, n),
            v_leak=rng.uniform(-0.2, 0.1, n),
            v_th=np.inf if last and readout else rng.uniform(0.7, 1.2, n),
            v_reset=rng.uniform(-0.3, 0.1, n),
            tau_syn=rng.uniform(2e-3, 6e-3, n) if synapse else None,
            reset=reset,
        )

    return [
        Layer(neurons(4, False), rng.normal(size=(4, 3)), 0.3 * rng.normal(size=4),
              0.5 * rng.normal(size=(4, 4)), Adaptation(0.4, 8e-3) if adaptive else None),
        Layer(neurons(2, True), rng.normal(size=(2, 4)), 0.3 * rng.normal(size=2)),
    ]  # fmt: skip


NET = layers(0, Reset.SET, False, False)
CASES = list(itertools.product(Surrogate, Reset, [False, True], [False, True], [False, True]))


@pytest.mark.parametrize(("kind", "reset", "synapse", "readout", "adaptive"), CASES)
def test_surrogate_gradient_is_that_of_the_smooth_network(
    kind: Surrogate, reset: Reset, synapse: bool, readout: bool, adaptive: bool
) -> None:
    net = layers(7, reset, synapse, readout, adaptive)
    rng = np.random.default_rng(8)
    x = rng.random((12, 3, 3))
    target = rng.normal(size=(12, 3, 2))
    rule = Rule(kind, 1.5, smoothed=True, through_reset=True)

    def loss(candidate: list[Layer]) -> float:
        last = forward(candidate, x, DT, rule)[-1]
        return float((target * (last.v if readout else last.spikes)).sum())

    tapes = forward(net, x, DT, rule)
    wanted = {"d_v": target} if readout else {"d_spikes": target}
    grads = backward(net, tapes, rule, **wanted)
    step = 1e-6
    compared = 0
    for k, layer in enumerate(net):
        for name in ("weight", "bias", "recurrent"):
            value, grad = getattr(layer, name), getattr(grads[k], name)
            if value is None:
                continue
            numeric = np.zeros_like(value)
            for at in np.ndindex(value.shape):
                pair = []
                for sign in (1, -1):
                    moved = value.copy()
                    moved[at] += sign * step
                    changed = [*net[:k], replace(layer, **{name: moved}), *net[k + 1 :]]
                    pair.append(loss(changed))
                numeric[at] = (pair[0] - pair[1]) / (2 * step)
            scale = max(np.abs(grad).max(), 1e-3)
            assert np.abs(grad - numeric).max() / scale < 1e-6, (k, name)
            compared += value.size
    assert compared == 12 + 4 + 16 + 8 + 2


@pytest.mark.parametrize("kind", Surrogate)
@given(z=st.floats(-3, 3), slope=st.floats(0.2, 20))
def test_surrogate_is_the_derivative_of_the_smooth_spike(
    kind: Surrogate, z: float, slope: float
) -> None:
    corners = (-1 / slope, -0.5 / slope, 0.0, 0.5 / slope, 1 / slope)
    low, high = min(0.0, z), max(0.0, z)
    area = quad(
        lambda t: float(derivative(kind, t, slope)), low, high, limit=200,
        points=[c for c in corners if low < c < high] or None,
    )[0]  # fmt: skip
    wanted = 0.5 + (area if z >= 0 else -area)
    assert float(smooth(kind, z, slope)) == pytest.approx(wanted, abs=1e-9)
    assert float(derivative(kind, 0.0, slope)) == 1.0
    assert float(derivative(kind, -z, slope)) == float(derivative(kind, z, slope))


def test_surrogate_forward_pass_is_golden() -> None:
    net = layers(3, Reset.SUBTRACT, True, False)
    x = (np.random.default_rng(1).random((40, 1, 3)) < 0.5).astype(float)
    tapes = forward(net, 3 * x, DT, Rule())
    network = Network(
        DT,
        {"in": 3},
        {"a": net[0].neurons, "b": net[1].neurons},
        (
            Connection("in", "a", 3 * net[0].weight),
            Connection("a", "a", net[0].recurrent, 1),
            Connection("a", "b", net[1].weight),
        ),
        ("b",),
        {"a": net[0].bias, "b": net[1].bias},
    )
    traces = run_float(network, {"in": x[:, 0].astype(np.uint8)})
    assert traces["a"].spikes.sum() > 5
    for name, tape in zip("ab", tapes, strict=True):
        np.testing.assert_array_equal(tape.spikes[:, 0], traces[name].spikes)
        np.testing.assert_allclose(tape.v[:, 0], traces[name].v, atol=1e-12)


def test_gradient_of_a_silent_boxcar_network_is_zero() -> None:
    net = [Layer(Lif(tau_mem=1e-2, n=2), np.zeros((2, 3)), np.zeros(2))]
    rule = Rule(Surrogate.BOXCAR, 5.0)
    tapes = forward(net, np.ones((5, 2, 3)), DT, rule)
    (grad,) = backward(net, tapes, rule, d_spikes=np.ones((5, 2, 2)))
    assert not grad.weight.any()


def test_surrogate_gradient_equals_autograd() -> None:
    torch = pytest.importorskip("torch", reason="the torch extra is not installed")
    net = layers(11, Reset.SET, False, True)
    x = np.random.default_rng(2).random((15, 4, 3)) * 3
    rule = Rule(Surrogate.FAST_SIGMOID, 4.0)
    tapes = forward(net, x, DT, rule)
    d_v = np.random.default_rng(3).normal(size=tapes[-1].v.shape)
    grads = backward(net, tapes, rule, d_v=d_v)

    class Spike(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, z: Any) -> Any:
            ctx.save_for_backward(z)
            return (z > 0).to(z.dtype)

        @staticmethod
        def backward(ctx: Any, d: Any) -> Any:
            (z,) = ctx.saved_tensors
            return d / (1 + rule.slope * z.abs()) ** 2

    def tensor(a: Any) -> Any:
        return torch.tensor(np.array(a), dtype=torch.float64)

    weights = [
        {n: tensor(getattr(la, n)).requires_grad_() for n in ("weight", "bias")} for la in net
    ]
    recurrent = tensor(net[0].recurrent).requires_grad_()
    out = tensor(x)
    for k, layer in enumerate(net):
        lif, c = layer.neurons, tapes[k].coefficients
        v, s, spikes, potentials = tensor(lif.v_init).expand(4, -1), None, [], []
        for row in out:
            total = row @ weights[k]["weight"].T + weights[k]["bias"]
            if k == 0 and s is not None:
                total = total + s @ recurrent.T
            v = tensor(lif.v_leak) + tensor(c.a_mem) * (v - tensor(lif.v_leak))
            v = v + tensor(c.g_x) * total
            if lif.spiking:
                s = Spike.apply((v - tensor(lif.v_th)) / tensor(lif.v_th - lif.v_reset))
                v = v + s.detach() * (tensor(lif.v_reset) - v)
                spikes.append(s)
            potentials.append(v)
        out = torch.stack(spikes) if spikes else torch.stack(potentials)
    (out * tensor(d_v)).sum().backward()
    for k, layer in enumerate(net):
        for name in ("weight", "bias"):
            got, wanted = getattr(grads[k], name), weights[k][name].grad.numpy()
            np.testing.assert_allclose(got, wanted, rtol=1e-9, atol=1e-12)
        assert layer.neurons.n > 0
    np.testing.assert_allclose(grads[0].recurrent, recurrent.grad.numpy(), rtol=1e-9, atol=1e-12)


def test_surrogate_system_agrees_and_learns() -> None:
    result = SYSTEM.run(Parameters())
    assert result.agrees
    found = {f.name: f.value for f in result.figures}
    assert found["test accuracy"] > 0.9
    assert found["accuracy before training"] < 0.7


def test_surrogate_system_is_reproducible() -> None:
    short = Parameters(epochs=3)
    a, b = SYSTEM.run(short), SYSTEM.run(short)
    assert a.figures == b.figures
    assert SYSTEM.run(Parameters(epochs=3, seed=5)).figures != a.figures


def test_surrogate_system_notices_a_wrong_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    from lifstone.golden.learning import bptt

    monkeypatch.setattr(bptt, "derivative", lambda k, z, b: 1.01 * derivative(k, z, b))
    assert not SYSTEM.run(Parameters(epochs=1)).agrees


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: derivative(Surrogate.BOXCAR, 0.0, 0.0), "slope = 0.0"),
        (lambda: smooth(Surrogate.BOXCAR, 0.0, np.inf), "slope = inf"),
        (lambda: Rule(slope=-1.0), "slope = -1.0"),
        (
            lambda: Layer(Lif(tau_mem=1e-2, t_ref=1e-3), np.ones((1, 1)), np.zeros(1)),
            r"t_ref\[0\] = 0.001: allowed is 0",
        ),
        (lambda: Layer(Lif(tau_mem=1e-2), np.ones((2, 1)), np.zeros(1)), r"weight = \[2, 1\]"),
        (lambda: Layer(Lif(tau_mem=1e-2), np.ones((1, 1)), np.zeros(2)), r"bias = \[2\]"),
        (lambda: forward(NET, np.ones((2, 2)), DT, Rule()), "inputs"),
        (
            lambda: forward(NET, np.ones((2, 2, 5)), DT, Rule()),
            r"layers\[0\].weight = 3: allowed is 5 inputs",
        ),
    ],
)  # fmt: skip
def test_wrong_surrogate_input(call: Any, message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        call()


def test_a_gradient_needs_a_loss() -> None:
    tapes = forward(NET, np.ones((2, 1, 3)), DT, Rule())
    with pytest.raises(InvalidValue, match="d_spikes or d_v"):
        backward(NET, tapes, Rule())
    with pytest.raises(InvalidValue, match=r"d_v = \[2, 1, 9\]"):
        backward(NET, tapes, Rule(), d_v=np.ones((2, 1, 9)))

"""Training: the gradients are those of the smoothed net, and a run is its seed's alone."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lifstone.golden import discretise
from lifstone.golden.learning.bptt import Tape, forward
from lifstone.sim import train_digits
from lifstone.sim.digits import encode, load_digits
from lifstone.sim.nir_read import read_nir
from lifstone.sim.train_digits import LIMIT, SLOPE, Settings, network, train

SMALL = Settings(hidden=12, epochs=3, batch=64, rate=1e-2, seed=5)


def some_weights(rng: np.random.Generator, hidden: int = 9) -> dict[str, Any]:
    return {
        "w1": rng.normal(0.05, 0.15, (hidden, 64)),
        "b1": rng.normal(0.0, 0.05, hidden),
        "w2": rng.normal(0.1, 0.5, (10, hidden)),
        "b2": rng.normal(0.05, 0.05, 10),
    }


def tapes_of(weights: dict[str, Any], spikes: Any) -> list[Tape]:
    """The forward pass that the gradient starts from."""
    layers = train_digits._layers(weights)
    return forward(layers, spikes, train_digits.DT, train_digits.RULE)


def fast_sigmoid(v: Any) -> Any:
    """Its derivative is the surrogate, ``1 / (1 + SLOPE |v - 1|)^2``."""
    return (v - 1) / (1 + SLOPE * np.abs(v - 1))


def smoothed_loss(weights: dict[str, Any], base: dict[str, Any], spikes: Any, labels: Any) -> float:
    """Cross-entropy of the net whose spikes change by the fast sigmoid around ``base``.

    At ``base`` every spike is the true one; resets stay where they were, and weights move on
    from their rounded values.
    """
    pre = spikes
    for layer, tape in enumerate(tapes_of(base, spikes), 1):
        w, b = f"w{layer}", f"b{layer}"
        weight = train_digits._rounded(base[w]) + weights[w] - base[w]
        bias = train_digits._rounded(base[b]) + weights[b] - base[b]
        v, out = 0.0, np.empty(tape.spikes.shape)
        for k, s in enumerate(pre):
            before = tape.coefficients.a_mem * v + tape.coefficients.g_x * (s @ weight.T + bias)
            out[k] = tape.spikes[k] + fast_sigmoid(before) - fast_sigmoid(tape.u[k])
            v = np.where(tape.spikes[k] > 0, 0.0, before)
        pre = out
    logits = 2.0 * pre.sum(axis=0)
    top = logits.max(axis=1, keepdims=True)
    log_p = logits - top - np.log(np.exp(logits - top).sum(axis=1, keepdims=True))
    return float(-log_p[np.arange(len(labels)), labels].mean())


@pytest.mark.parametrize("seed", [0, 1])
def test_gradients_equal_finite_differences_of_the_smoothed_net(seed: int) -> None:
    rng = np.random.default_rng(seed)
    data = load_digits()
    spikes = encode(data.train_images[:12]).astype(np.float64)
    labels = data.train_labels[:12]
    base = some_weights(rng)
    tapes = tapes_of(base, spikes)
    assert all(0.02 < t.spikes.mean() < 0.9 for t in tapes)
    grads = train_digits._gradients(base, spikes, labels)
    for key, g in grads.items():
        for _ in range(3):
            # Differences of 2e-6 keep some six digits of a loss of order 1, kinks included.
            direction = rng.normal(size=g.shape)
            step = 1e-6
            up, down = (
                smoothed_loss({**base, key: base[key] + s * step * direction}, base, spikes, labels)
                for s in (1, -1)
            )
            numeric = (up - down) / (2 * step)
            assert float((g * direction).sum()) == pytest.approx(numeric, rel=1e-5, abs=1e-5), key


def test_a_short_run_learns() -> None:
    before = train_digits.accuracy(train(Settings(hidden=12, epochs=0, seed=5)))
    after = train_digits.accuracy(train(SMALL))
    assert before < 0.3
    assert after > 0.6


def test_a_run_is_its_seeds_alone() -> None:
    short = Settings(hidden=6, epochs=1, seed=3)
    first, second = train(short), train(short)
    assert all(np.array_equal(first[k], second[k]) for k in first)
    other = train(Settings(hidden=6, epochs=1, seed=4))
    assert not np.array_equal(first["w1"], other["w1"])


def test_weights_sit_on_an_eight_bit_grid() -> None:
    rng = np.random.default_rng(0)
    weights = {k: 3 * w for k, w in some_weights(rng).items()}
    net = network(weights)
    for c in net.connections:
        assert np.array_equal(c.weight * 64, np.rint(c.weight * 64))
        assert np.abs(c.weight).max() <= LIMIT == 127 / 64
    assert np.array_equal(net.bias["hidden"] * 64, np.rint(net.bias["hidden"] * 64))
    # A unit of weight moves the potential by a threshold in one step.
    np.testing.assert_allclose(discretise(net.populations["digit"], net.dt).g_x, 1.0, rtol=1e-14)


def test_the_command_writes_what_it_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "digits.nir"
    argv = ["train_digits", "--out", str(out), "--hidden", "5", "--epochs", "1", "--seed", "2"]
    monkeypatch.setattr(sys, "argv", argv)
    train_digits.main()
    weights = train(Settings(hidden=5, epochs=1, seed=2))
    read = read_nir(out).network
    for written, trained in zip(read.connections, network(weights).connections, strict=True):
        assert np.array_equal(written.weight, trained.weight)
    assert f"test accuracy {train_digits.accuracy(weights):.4f}" in capsys.readouterr().out
    assert [p.name for p in tmp_path.iterdir()] == ["digits.nir"]


def test_progress_is_told_every_tenth_epoch(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(train_digits, "_gradients", lambda w, *_: {k: 0 * v for k, v in w.items()})
    train(Settings(hidden=3, epochs=20, batch=1437), report=True)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == ["epoch 10", "epoch 20"]

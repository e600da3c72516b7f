"""Rectified networks: training them, and their spiking twins on images, step by step."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lifstone.golden import InvalidValue, Widths, quantise, run_contract, run_float
from lifstone.golden.conversion.relu import ReluNetwork, Stage
from lifstone.golden.learning.bptt import Layer
from lifstone.sim import converted, train_relu
from lifstone.sim.converted import follow, point, spiking, stimulus
from lifstone.sim.dataset import DIGITS, Dataset, load_dataset
from lifstone.sim.relu_read import read_relu

safetensors = pytest.importorskip("safetensors", reason="safetensors is not installed")
DATA = load_dataset(DIGITS)


def few(count: int) -> Dataset:
    return replace(DATA, test_images=DATA.test_images[:count], test_labels=DATA.test_labels[:count])


@pytest.fixture(scope="module")
def relu() -> ReluNetwork:
    return train_relu.train_relu(DATA, (16,), epochs=12, rate=1e-2, augment=0.0)


def test_a_rectified_network_learns_and_is_its_seed_alone(relu: ReluNetwork) -> None:
    accuracy = (relu.classify(DATA.test_images / 16) == DATA.test_labels).mean()
    assert accuracy > 0.85
    again = train_relu.train_relu(DATA, (16,), epochs=12, rate=1e-2, augment=0.0)
    other = train_relu.train_relu(DATA, (16,), epochs=1, rate=1e-2, augment=0.5, seed=2)
    np.testing.assert_array_equal(again.stages[0].weight, relu.stages[0].weight)
    assert not np.array_equal(other.stages[0].weight, relu.stages[0].weight)


def test_its_gradients_equal_finite_differences(relu: ReluNetwork) -> None:
    rng = np.random.default_rng(0)
    x, labels = DATA.train_images[:20] / 16, DATA.train_labels[:20]
    neurons = [train_relu.Lif(tau_mem=np.inf, n=s.bias.size) for s in relu.stages]
    layers = [
        Layer(a, np.array(s.weight), np.array(s.bias))
        for a, s in zip(neurons, relu.stages, strict=True)
    ]
    _, gradients = train_relu._gradients(layers, x, labels)
    for k, g in enumerate(gradients):
        direction = rng.normal(size=g.weight.shape)
        pair = []
        for sign in (1e-6, -1e-6):
            moved = replace(layers[k], weight=layers[k].weight + sign * direction)
            pair.append(train_relu._gradients([*layers[:k], moved, *layers[k + 1 :]], x, labels)[0])
        numeric = (pair[0] - pair[1]) / 2e-6
        assert float((g.weight * direction).sum()) == pytest.approx(numeric, rel=1e-4)


@pytest.mark.parametrize("bias", ["current", "neuron"])
def test_the_spiking_twin_comes_up_to_it_within_the_bound(
    relu: ReluNetwork, bias: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(converted, "CHUNK", 70)
    data, widths = few(100), Widths(weight=12)
    made = spiking(relu, data, bias)
    network = point(made, data, 64, widths)
    assert set(network.fraction) == {"stage0", "stage1"}
    assert ("bias" in network.inputs) == (bias == "neuron")
    done: list[int] = []
    found = follow(made, relu, network, data, 64, widths, done.append)
    assert done == [70, 100]
    assert found.relu == (relu.classify(data.test_images / 16) == data.test_labels).mean()
    assert found.spiking[0] < found.spiking[-1]
    assert abs(found.spiking[-1] - found.relu) < 0.05
    assert abs(found.contract[-1] - found.spiking[-1]) < 0.05
    assert all(0.05 < share <= 1 for share in found.shares)
    # One image by the plain loop.
    inputs = {k: a[:, 3] for k, a in stimulus(made, data.test_images, 16, 64).items()}
    one = replace(data, test_images=data.test_images[3:4], test_labels=data.test_labels[3:4])
    alone = follow(made, relu, network, one, 64, widths)
    runs = (run_float(network, inputs), run_contract(quantise(network, widths).contract, inputs))
    for curve, run in zip((alone.spiking, alone.contract), runs, strict=True):
        answers = run["stage1"].spikes.cumsum(axis=0).argmax(axis=1)
        np.testing.assert_array_equal(curve, answers == one.test_labels[0])
    assert alone.spikes == runs[0]["stage0"].spikes.sum()


def test_an_error_beyond_the_bound_would_be_seen(relu: ReluNetwork) -> None:
    data = few(20)
    made = spiking(relu, data)
    network = point(made, data, 32, Widths())
    stronger = replace(
        network,
        connections=tuple(
            type(c)(c.pre, c.post, 2.0 * c.weight, c.delay) for c in network.connections
        ),
    )
    assert max(follow(made, relu, stronger, data, 32, Widths(weight=16)).shares) > 1


def test_networks_that_do_not_fit_the_images(relu: ReluNetwork) -> None:
    with pytest.raises(
        InvalidValue, match=r"model\.inputs = 3: allowed is 64, the pixels of digit"
    ):
        spiking(ReluNetwork((Stage(np.ones((10, 3))),)), DATA)
    with pytest.raises(InvalidValue, match=r"model\.outputs = 4: allowed is at least 10"):
        spiking(ReluNetwork((Stage(np.ones((4, 64))),)), DATA)


def test_the_command_writes_what_convert_reads(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "relu.safetensors"
    train_relu.main(["--out", str(path), "--hidden", "8", "6", "--epochs", "1"])
    assert "test accuracy 0." in capsys.readouterr().out
    shapes = [s.weight.shape for s in read_relu(path).stages]
    assert shapes == [(8, 64), (6, 8), (10, 6)]
    with pytest.raises(InvalidValue, match=r"a \.safetensors file"):
        train_relu.main(["--out", str(tmp_path / "relu.pt")])

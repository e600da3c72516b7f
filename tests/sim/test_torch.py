"""The torch extra: the same as NumPy on a small net, and convolutions as the contract has them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lifstone.golden import InvalidValue, quantise
from lifstone.golden.learning.adam import Adam
from lifstone.sim import training
from lifstone.sim.dataset import DIGITS, load_dataset
from lifstone.sim.image_figures import measure
from lifstone.sim.nir_kernels import nir_kernels
from lifstone.sim.nir_read import read_nir
from lifstone.sim.simulate import Simulator
from lifstone.sim.training import Settings, begin

torch = pytest.importorskip("torch", reason="the torch extra is not installed")
from lifstone.sim import torch_spiking, train_convolution  # noqa: E402

DATA = load_dataset(DIGITS, 8, (4, 10))
DENSE = Settings(
    hidden=(12, 9), neuron="perfect", slope=2.0, spike_score=1.0, spike_cost=3e-3, seed=7
)


def doubles(run: training.Run) -> list[Any]:
    def tensor(a: Any) -> Any:
        return torch.tensor(np.array(a), dtype=torch.float64, requires_grad=True)

    return [torch_spiking.Stage(tensor(a.weight), tensor(a.bias)) for a in run.layers]


def torch_loss(stages: list[Any], spikes: Any, labels: Any) -> Any:
    inputs = torch.tensor(spikes, dtype=torch.float64)
    counts, hidden = torch_spiking.run(stages, inputs, DENSE.slope, DENSE.weight_bits)
    loss = torch.nn.functional.cross_entropy(DENSE.spike_score * counts, torch.tensor(labels))
    return loss, DENSE.spike_cost / len(labels) * sum(h.sum() for h in hidden)


def test_loss_and_gradients_are_those_of_numpy() -> None:
    run = begin(DENSE, DATA)
    spikes, labels = DATA.spikes(DATA.train_images[:40]), DATA.train_labels[:40]
    wanted = training._gradients(DENSE, run.layers, spikes, labels)
    stages = doubles(run)
    loss, price = torch_loss(stages, spikes, labels)
    (loss + price).backward()
    assert price.item() > 0.01
    assert loss.item() == pytest.approx(wanted.loss, rel=1e-12)
    for stage, gradient in zip(stages, wanted.gradients, strict=True):
        for name in ("weight", "bias"):
            got = getattr(stage, name).grad.numpy()
            assert np.abs(got).max() > 0
            np.testing.assert_allclose(got, getattr(gradient, name), rtol=1e-9, atol=1e-14)


def test_twenty_steps_give_the_same_weights() -> None:
    run = begin(DENSE, DATA)
    stages = doubles(run)
    first = run.layers[0].weight.copy()
    adam = Adam(1e-3)
    tensors = [t for stage in stages for t in (stage.weight, stage.bias)]
    other = torch.optim.Adam(tensors, lr=1e-3)
    layers = run.layers
    for k in range(20):
        part = slice(16 * k, 16 * k + 16)
        spikes, labels = DATA.spikes(DATA.train_images[part]), DATA.train_labels[part]
        layers = adam.apply(layers, training._gradients(DENSE, layers, spikes, labels).gradients)
        other.zero_grad()
        sum(torch_loss(stages, spikes, labels)).backward()
        other.step()
    assert np.abs(layers[0].weight - first).max() > 5e-3
    for layer, stage in zip(layers, stages, strict=True):
        np.testing.assert_allclose(stage.weight.detach().numpy(), layer.weight, atol=1e-6)
        np.testing.assert_allclose(stage.bias.detach().numpy(), layer.bias, atol=1e-6)


SMALL = replace(train_convolution.RECIPE, epochs=3, batch=20, seed=3, rate=1e-2, augment=0.3)


def test_a_convolution_is_trained_and_its_file_is_what_was_trained(tmp_path: Path) -> None:
    few = replace(
        DATA,
        train_images=DATA.train_images[:640], train_labels=DATA.train_labels[:640],
        test_images=DATA.test_images[:60], test_labels=DATA.test_labels[:60],
    )  # fmt: skip
    told: list[str] = []
    net = train_convolution.train_convolution(few, SMALL, "4c3s1-5c3s2", told.append)
    assert [t[:8] for t in told] == ["epoch 1:", "epoch 2:", "epoch 3:"]
    accuracy, fired = train_convolution.evaluate(net, few, SMALL)
    assert accuracy > 0.3
    assert f"test accuracy {accuracy:.4f}, hidden spikes {fired:.0f}" in told[2]
    path = tmp_path / "net.nir"
    train_convolution.nir.write(path, train_convolution.graph(net, 8, SMALL))
    network = read_nir(path).network
    assert [p.n for p in network.populations.values()] == [4 * 36, 5 * 4, 10]
    contract = quantise(network).contract
    inputs = {"pixels": few.spikes(few.test_images)}
    got = [t.spikes for t in Simulator(contract).run(inputs, record=("spikes",)).values()]
    answers = got[2].sum(axis=0).argmax(axis=1)
    assert (answers == few.test_labels).mean() == accuracy
    with torch.no_grad():
        shaped = train_convolution._inputs(few, few.test_images)
        counts, hidden = torch_spiking.run(net, shaped, SMALL.slope, SMALL.weight_bits)
    for mine, theirs in zip(hidden, got, strict=False):
        np.testing.assert_array_equal(mine.flatten(2).numpy() > 0, theirs)
        assert theirs.any()
    np.testing.assert_array_equal(counts.numpy(), got[2].sum(axis=0))
    kernels = nir_kernels(path, contract).kernels
    assert set(kernels) == {"hidden1", "hidden2"}
    four = replace(few, test_images=few.test_images[:4], test_labels=few.test_labels[:4])
    found = measure(network, contract, four, kernels=kernels, optimise=False)
    assert (found.images, found.moved, found.unequal) == (4, 0, 0)
    assert found.compared == 4 * 8 * 3 * (144 + 20 + 10)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "such as 8c5s2-24c5s2"),
        ("8c5", "such as 8c5s2"),
        ("0c5s1", "layers = '0c5s1': allowed is 8 left"),
        ("4c5s0", "8 left"),
        ("4c3s2-4c5s1", "layers = '4c5s1': allowed is 3 left"),
    ],
)
def test_layers_that_cannot_be(text: str, words: str) -> None:
    with pytest.raises(InvalidValue, match=words):
        train_convolution.stages(text, 8, 0)


def test_a_loss_that_is_no_number_stops_the_training(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train_convolution, "_loss", lambda *_: torch.tensor(float("nan")))
    with pytest.raises(InvalidValue, match=r"loss = nan: allowed is finite; epoch 1"):
        train_convolution.train_convolution(DATA, SMALL, "2c3s2")

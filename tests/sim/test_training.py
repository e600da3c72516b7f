"""Training: gradients, grids, seeds, checkpoints, and what is refused."""

from __future__ import annotations

import gzip
import struct
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lifstone.golden import InvalidValue, discretise, quantise, run_contract, run_float
from lifstone.golden.learning.bptt import Layer, Tape, forward
from lifstone.sim import distort as distort_module
from lifstone.sim import train_digits, training
from lifstone.sim.dataset import DIGITS, Dataset, load_dataset
from lifstone.sim.distort import distort
from lifstone.sim.idx import read_idx, read_image_set
from lifstone.sim.nir_read import read_nir
from lifstone.sim.training import DT, Settings, begin, evaluate, network, resume, rounded, train

SMALL = Settings(hidden=(12,), epochs=4, seed=5)
DATA = load_dataset(DIGITS)


def few(count: int = 320) -> Dataset:
    return replace(
        DATA, train_images=DATA.train_images[:count], train_labels=DATA.train_labels[:count]
    )


def some_layers(seed: int) -> list[Layer]:
    rng = np.random.default_rng(seed)
    return [
        Layer(training.neurons(8), rng.normal(0.05, 0.15, (8, 64)), rng.normal(0.0, 0.05, 8)),
        Layer(training.neurons(10), rng.normal(0.1, 0.5, (10, 8)), rng.normal(0.05, 0.05, 10)),
    ]


def smoothed_loss(base: list[Tape], layers: list[Layer], spikes: Any, labels: Any) -> float:
    """Cross-entropy of the net whose spikes change by the fast sigmoid around ``base``.

    At ``base`` every spike is the true one; resets stay where they were.
    """

    def smooth(v: Any) -> Any:
        return (v - 1) / (1 + SMALL.slope * np.abs(v - 1))

    pre = spikes
    for layer, tape in zip(layers, base, strict=True):
        v, out = 0.0, np.empty(tape.spikes.shape)
        for k, s in enumerate(pre):
            x = s @ layer.weight.T + layer.bias
            before = tape.coefficients.a_mem * v + tape.coefficients.g_x * x
            out[k] = tape.spikes[k] + smooth(before) - smooth(tape.u[k])
            v = np.where(tape.spikes[k] > 0, 0.0, before)
        pre = out
    logits = 2.0 * pre.sum(axis=0)
    top = logits.max(axis=1, keepdims=True)
    log_p = logits - top - np.log(np.exp(logits - top).sum(axis=1, keepdims=True))
    return float(-log_p[np.arange(len(labels)), labels].mean())


@pytest.mark.parametrize("seed", [0, 1])
def test_gradients_equal_finite_differences_of_the_smoothed_net(seed: int) -> None:
    rng = np.random.default_rng(seed)
    spikes = DATA.spikes(DATA.train_images[:12]).astype(np.float64)
    labels = DATA.train_labels[:12]
    layers = rounded(some_layers(seed), SMALL)
    base = forward(layers, spikes, DT, SMALL.rule())
    assert all(0.02 < t.spikes.mean() < 0.9 for t in base)
    batch = training._gradients(SMALL, layers, spikes, labels)
    loss, grads = batch.loss, batch.gradients
    assert loss == pytest.approx(smoothed_loss(base, layers, spikes, labels))
    for k, g in enumerate(grads):
        for name in ("weight", "bias"):
            for _ in range(3):
                # Differences of 2e-7 keep some eight digits of a loss of order 1, kinks included.
                direction = rng.normal(size=getattr(g, name).shape)
                pair = []
                for sign in (1e-7, -1e-7):
                    moved = getattr(layers[k], name) + sign * direction
                    changed = [*layers[:k], replace(layers[k], **{name: moved}), *layers[k + 1 :]]
                    pair.append(smoothed_loss(base, changed, spikes, labels))
                numeric = (pair[0] - pair[1]) / 2e-7
                along = float((getattr(g, name) * direction).sum())
                assert along == pytest.approx(numeric, rel=1e-5, abs=1e-5), (k, name)


def test_a_price_for_spikes_makes_them_fewer() -> None:
    runs = []
    for cost in (0.0, 0.02):
        run = begin(replace(SMALL, hidden=(24,), epochs=8, spike_cost=cost), DATA)
        train(run, DATA)
        runs.append(run.history[-1])
    assert runs[1].spikes < 0.8 * runs[0].spikes
    assert runs[1].accuracy > 0.6


def test_a_short_run_learns_and_is_its_settings_alone() -> None:
    before, _ = evaluate(rounded(begin(SMALL, DATA).layers, SMALL), DATA)
    run = begin(SMALL, DATA)
    first = train(run, DATA)
    assert before < 0.3
    assert run.history[-1].accuracy > 0.6
    losses = [e.loss for e in run.history]
    assert losses == sorted(losses, reverse=True)
    second = train(begin(SMALL, DATA), DATA)
    other = train(begin(replace(SMALL, seed=6), DATA), DATA)
    assert all(np.array_equal(a.weight, b.weight) for a, b in zip(first, second, strict=True))
    assert not np.array_equal(first[0].weight, other[0].weight)


def test_a_run_resumes_to_the_bit(tmp_path: Path) -> None:
    whole = begin(SMALL, few())
    train(whole, few())
    path = tmp_path / "state.npz"
    stopped = begin(SMALL, few())

    class Stop(Exception):
        pass

    def stop(run: training.Run, done: float) -> None:
        if done == 1.0 and len(run.history) == 2:
            np.savez(path, **run.state())
        if len(run.history) == 2 and 0.4 < done < 1.0:
            raise Stop

    with pytest.raises(Stop):
        train(stopped, few(), stop)
    with np.load(path, allow_pickle=False) as archive:
        again = resume(SMALL, few(), {k: archive[k] for k in archive.files})
    assert len(again.history) == 2
    train(again, few())
    assert again.history == whole.history
    for a, b in zip(again.layers, whole.layers, strict=True):
        np.testing.assert_array_equal(a.weight, b.weight)
        np.testing.assert_array_equal(a.bias, b.bias)


def test_a_checkpoint_of_something_else_is_refused() -> None:
    state = begin(SMALL, DATA).state()
    with pytest.raises(InvalidValue, match=r"checkpoint\.settings"):
        resume(replace(SMALL, hidden=(13,)), DATA, state)
    with pytest.raises(InvalidValue, match=r"checkpoint = .*layer1"):
        resume(SMALL, DATA, {k: v for k, v in state.items() if k != "layer1.weight"})
    with pytest.raises(InvalidValue, match="a checkpoint of this network"):
        resume(SMALL, DATA, {"words": np.array("{")})


def test_weights_sit_on_the_grid_of_their_words() -> None:
    for bits in (4, 8):
        s = replace(SMALL, weight_bits=bits)
        latent = [Layer(a.neurons, 3 * a.weight, 3 * a.bias) for a in some_layers(0)]
        grid, top = 2 ** (bits - 2), (2 ** (bits - 1) - 1) / 2 ** (bits - 2)
        for layer in rounded(latent, s):
            for a in (layer.weight, layer.bias):
                assert np.array_equal(a * grid, np.rint(a * grid))
            assert np.abs(layer.weight).max() <= top
    net = network(rounded(some_layers(0), SMALL))
    # A unit of weight moves the potential by a threshold in one step.
    np.testing.assert_allclose(discretise(net.populations["digit"], net.dt).g_x, 1.0, rtol=1e-14)


def test_the_network_is_what_was_trained() -> None:
    layers = rounded(begin(replace(SMALL, hidden=(9, 7)), DATA).layers, SMALL)
    net = network(layers)
    assert list(net.populations) == ["hidden", "hidden2", "digit"]
    spikes = DATA.spikes(DATA.test_images[:1])
    tape = forward(layers, spikes.astype(np.float64), DT, SMALL.rule())
    traces = run_float(net, {"pixels": spikes[:, 0]})
    for t, trace in zip(tape, traces.values(), strict=True):
        np.testing.assert_array_equal(t.spikes[:, 0], trace.spikes)


def test_the_command_writes_what_it_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "digits.nir"
    argv = ["train_digits", "--out", str(out), "--hidden", "5", "--epochs", "10", "--seed", "2"]
    monkeypatch.setattr(sys, "argv", argv)
    monkeypatch.setattr(train_digits, "load_dataset", lambda _: few(128))
    train_digits.main()
    run = begin(Settings(hidden=(5,), epochs=10, seed=2), few(128))
    layers = train(run, few(128))
    read = read_nir(out).network
    for written, layer in zip(read.connections, layers, strict=True):
        assert np.array_equal(written.weight, layer.weight)
    text = capsys.readouterr().out
    assert f"epoch 10: test accuracy {run.history[-1].accuracy:.4f}" in text
    assert [p.name for p in tmp_path.iterdir()] == ["digits.nir"]


def test_a_loss_that_is_no_number_stops_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    run = begin(SMALL, few())
    before = [a.weight.copy() for a in run.layers]
    monkeypatch.setattr(training, "_gradients", lambda *_: training._Batch(np.nan, [], 0))
    with pytest.raises(InvalidValue, match="loss = nan: allowed is finite; in epoch 1"):
        train(run, few())
    assert all(np.array_equal(a, b.weight) for a, b in zip(before, run.layers, strict=True))


def test_gradients_that_are_no_numbers_leave_the_last_whole_epoch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = begin(SMALL, few())
    train(replace_epochs(run, 1), few())
    kept = [a.weight.copy() for a in run.layers]
    real = training._gradients

    def broken(*arguments: Any) -> Any:
        batch = real(*arguments)
        batch.gradients[1].weight[3, 4] = np.inf
        return batch

    monkeypatch.setattr(training, "_gradients", broken)
    with pytest.raises(InvalidValue, match=r"layers\[1\].weight = inf: .*in epoch 2: a lower rate"):
        train(replace_epochs(run, 2), few())
    assert len(run.history) == 1
    assert all(np.array_equal(a, b.weight) for a, b in zip(kept, run.layers, strict=True))


def replace_epochs(run: training.Run, epochs: int) -> training.Run:
    run.settings = replace(run.settings, epochs=epochs)
    return run


PERFECT = replace(SMALL, neuron="perfect", spike_score=1.0, slope=2.0, spike_cost=1e-4)


def test_without_leak_the_contract_computes_what_was_trained() -> None:
    data = replace(few(640), thresholds=(2, 10), steps=12)
    run = begin(replace(PERFECT, hidden=(16,), epochs=6, batch=32, rate=1e-2), data)
    layers = train(run, data)
    assert run.history[-1].accuracy > 0.7
    net = network(layers, run.settings)
    assert dict(net.fraction) == {"hidden": 6, "digit": 6}
    contract = quantise(net).contract
    for k in range(8):
        spikes = data.spikes(data.test_images[k : k + 1])
        tapes = forward(layers, spikes, DT, run.settings.rule())
        for tape, trace in zip(
            tapes, run_contract(contract, {"pixels": spikes[:, 0]}).values(), strict=True
        ):
            np.testing.assert_array_equal(tape.v[:, 0] * 64, trace.v)
            np.testing.assert_array_equal(tape.spikes[:, 0], trace.spikes)


def test_what_was_seen_so_far_is_reported() -> None:
    run = begin(replace(SMALL, epochs=1), few())
    seen: list[tuple[float, float]] = []
    train(run, few(), lambda run, done: seen.append(run.so_far))
    assert len(seen) == 6
    assert all(0 <= a <= 1 and loss > 0 for loss, a in seen)
    last = run.history[-1]
    assert seen[-1] == (last.loss, last.train_accuracy)


def test_distortions_start_from_the_image_itself() -> None:
    rng = np.random.default_rng(0)
    images = DATA.test_images[:5]
    np.testing.assert_array_equal(distort(images, rng, 0.0), images)
    moved = distort(np.repeat(images[:1], 400, axis=0), rng)
    assert moved.shape == (400, 64)
    assert moved.min() >= 0
    assert moved.max() <= 16
    assert len(np.unique(moved, axis=0)) > 390
    assert abs(moved.sum(axis=1).mean() / images[0].sum() - 1) < 0.1
    again = distort(images, np.random.default_rng(3))
    np.testing.assert_array_equal(again, distort(images, np.random.default_rng(3)))
    with pytest.raises(InvalidValue, match=r"12 pixels.*a square image"):
        distort(np.zeros((1, 12), dtype=np.int64), rng)


def test_a_bright_pixel_moves_to_where_the_map_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("DEGREES", 0.0), ("SCALE", 0.0), ("SHEAR", 0.0), ("SHIFT", 5.6)):
        monkeypatch.setattr(distort_module, name, value)

    class Most:
        def uniform(self, low: float, high: float, size: tuple[int, int]) -> Any:
            return np.full(size, high)

    image = np.zeros((1, 25), dtype=np.int64)
    image[0, 12] = 9
    moved = distort(image, Most())  # type: ignore[arg-type]
    assert np.flatnonzero(moved[0]).tolist() == [6]
    assert moved[0, 6] == 9


def test_bright_pixels_spike_once_for_every_threshold() -> None:
    data = replace(DATA, thresholds=(3, 11), steps=7)
    images = np.array([[0, 3, 4, 11, 12, 16]])
    spikes = data.spikes(images)
    assert spikes.shape == (7, 1, 6)
    assert spikes[0, 0].tolist() == [0, 0, 1, 1, 1, 1]
    assert spikes[1, 0].tolist() == [0, 0, 0, 0, 1, 1]
    assert not spikes[2:].any()
    for bad, words in (((16,), "0 to 15"), ((-1,), "0 to 15"), ((1,) * 8, "at most one a step")):
        with pytest.raises(InvalidValue, match=words):
            replace(data, thresholds=bad)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hidden": ()}, r"hidden = \(\)"),
        ({"hidden": (0,)}, "at least one layer"),
        ({"epochs": -1}, "epochs = -1"),
        ({"batch": 0}, "batch = 0"),
        ({"rate": 0.0}, "rate = 0.0"),
        ({"rate": np.inf}, "rate = inf"),
        ({"weight_bits": 2}, "weight_bits = 2: allowed is 3 to 16"),
        ({"surrogate": "sharp"}, "surrogate = 'sharp': allowed is fast-sigmoid"),
        ({"spike_cost": -1.0}, "spike_cost = -1.0"),
        ({"spike_score": 0.0}, "spike_score = 0.0"),
        ({"augment": np.nan}, "augment = nan: allowed is 0 or greater"),
        ({"neuron": "wet"}, "neuron = 'wet': allowed is leaky, perfect"),
    ],
)
def test_wrong_settings(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        replace(SMALL, **changes)


def idx(array: np.ndarray) -> bytes:
    head = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return head + array.astype(np.uint8).tobytes()


def image_set(folder: Path, count: int = 6) -> None:
    rng = np.random.default_rng(0)
    for part in ("train", "t10k"):
        images = rng.integers(0, 256, (count, 3, 4))
        (folder / f"{part}-images-idx3-ubyte").write_bytes(idx(images))
        labels = gzip.compress(idx(np.arange(count) % 10))
        (folder / f"{part}-labels-idx1-ubyte.gz").write_bytes(labels)


def test_idx_files_are_read_plain_and_packed(tmp_path: Path) -> None:
    image_set(tmp_path)
    data = load_dataset(str(tmp_path), 5)
    assert (data.pixels, data.levels, data.steps) == (12, 255, 5)
    assert data.test_labels.tolist() == [0, 1, 2, 3, 4, 5]
    spikes = data.spikes(data.train_images)
    assert spikes.shape == (5, 6, 12)
    wanted = data.train_images * 5 / 255
    assert np.abs(spikes.sum(axis=0) - wanted).max() <= 1


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "an IDX file of bytes"),
        (b"\0\0\x0d\1" + bytes(8), "an IDX file of bytes"),
        (b"\0\0\x08\3" + bytes(4), "a whole header"),
        (idx(np.zeros((2, 2, 2)))[:-1], "7 bytes"),
        (b"\0\0\x08\3" + b"\xff" * 12, "0 bytes"),
    ],
)
def test_broken_idx_files(raw: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(raw)
    with pytest.raises(InvalidValue, match=message):
        read_idx(path)


def test_image_sets_that_do_not_fit(tmp_path: Path) -> None:
    with pytest.raises(InvalidValue, match="'digits', 'delayed-match' or a folder"):
        load_dataset("nowhere")
    with pytest.raises(InvalidValue, match="a folder with train-images-idx3-ubyte"):
        load_dataset(str(tmp_path))
    image_set(tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(np.arange(5))))
    with pytest.raises(InvalidValue, match=r"t10k labels = \[5\]: allowed is 6 labels"):
        read_image_set(tmp_path, "t10k")
    (tmp_path / "t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(np.full(6, 11))))
    with pytest.raises(InvalidValue, match="t10k labels = 11: allowed is 0 to 9"):
        load_dataset(str(tmp_path))
    (tmp_path / "t10k-labels-idx1-ubyte.gz").write_bytes(b"\x1f\x8b broken")
    with pytest.raises(InvalidValue, match="a readable file"):
        load_dataset(str(tmp_path))

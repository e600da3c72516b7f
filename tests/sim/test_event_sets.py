"""Sets of events: files as their authors give them out, a drawn one, and training on them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from lifstone.golden import InvalidValue, quantise, run_contract
from lifstone.golden.learning import delayed_match
from lifstone.golden.learning.bptt import forward
from lifstone.sim.dataset import load_dataset, load_samples
from lifstone.sim.event_sets import DELAYED_MATCH, EventSet, load_events, read_nmnist_sample
from lifstone.sim.training import DT, Settings, begin, network, resume, rounded, train


def nmnist_bytes(events: list[tuple[int, int, int, int]]) -> bytes:
    """``(x, y, polarity, microseconds)`` as the set's authors write them."""
    return b"".join(
        bytes([x, y, (polarity << 7) | (t >> 16), (t >> 8) & 255, t & 255])
        for x, y, polarity, t in events
    )


def nmnist(folder: Path) -> None:
    for part in ("Train", "Test"):
        for digit in range(10):
            path = folder / part / str(digit) / "00001.bin"
            path.parent.mkdir(parents=True)
            path.write_bytes(
                nmnist_bytes([(digit, 33, 0, 0), (1, 2, 1, 299_999), (5, 5, 1, 70_000)])
            )


def test_nmnist_events_fall_into_their_line_and_step(tmp_path: Path) -> None:
    nmnist(tmp_path)
    found = load_events(str(tmp_path), 6)
    assert found is not None
    assert (found.steps, found.pixels, found.classes) == (6, 2312, 10)
    assert found.train_labels.tolist() == found.test_labels.tolist() == list(range(10))
    for digit in range(10):
        on = np.argwhere(found.train_images[digit]).tolist()
        assert on == [[0, 33 * 34 + digit], [1, 1156 + 5 * 34 + 5], [5, 1156 + 2 * 34 + 1]]
    line, seconds = read_nmnist_sample(tmp_path / "Train" / "0" / "00001.bin")
    assert line.tolist() == [33 * 34, 1156 + 69, 1156 + 175]
    np.testing.assert_allclose(seconds, [0.0, 0.299999, 0.07])


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "0 bytes: allowed is a whole number of five-byte events"),
        (b"1234567", "7 bytes"),
        (nmnist_bytes([(34, 0, 0, 0)]), "pixel 34: allowed is 0 to 33"),
    ],
)
def test_broken_nmnist_files(raw: bytes, words: str, tmp_path: Path) -> None:
    nmnist(tmp_path)
    (tmp_path / "Test" / "3" / "00001.bin").write_bytes(raw)
    with pytest.raises(InvalidValue) as caught:
        load_events(str(tmp_path))
    assert words.split(":")[0] in str(caught.value)
    assert words.split(": ")[-1] in str(caught.value)


def shd(folder: Path, labels: Any = (3, 19), units: Any = ((0, 699), (7,))) -> None:
    times = [np.array([0.0, 1.39]), np.array([0.7])]
    for part in ("train", "test"):
        with h5py.File(folder / f"shd_{part}.h5", "w") as file:
            file["labels"] = np.array(labels)
            for name, rows, kind in (("times", times, np.float16), ("units", units, np.uint16)):
                data = file.create_dataset(f"spikes/{name}", (2,), h5py.vlen_dtype(kind))
                for k, row in enumerate(rows):
                    data[k] = np.array(row, dtype=kind)


def test_shd_files_are_read(tmp_path: Path) -> None:
    shd(tmp_path)
    found = load_samples(str(tmp_path), 14)
    assert (found.steps, found.pixels, found.classes) == (14, 700, 20)
    assert found.test_labels.tolist() == [3, 19]
    assert np.argwhere(found.train_images).tolist() == [[0, 0, 0], [0, 13, 699], [1, 7, 7]] or (
        # 0.7 s in half precision may lie just below the edge of the step.
        np.argwhere(found.train_images).tolist() == [[0, 0, 0], [0, 13, 699], [1, 6, 7]]
    )
    assert found.spikes(found.train_images).shape == (14, 2, 700)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"labels": (3, 20)}, r"labels = \[3, 20\]: allowed is 0 to 19"),
        ({"labels": (3, 4, 5)}, "2 samples.*allowed is 3, as labels"),
        ({"units": ((0, 700), (7,))}, r"data\[0\] = .*units 0 to 699"),
        ({"units": ((0,), (7,))}, r"data\[0\]"),
    ],
)
def test_broken_shd_files(changes: dict[str, Any], words: str, tmp_path: Path) -> None:
    shd(tmp_path, **changes)
    with pytest.raises(InvalidValue, match=words):
        load_events(str(tmp_path))
    (tmp_path / "shd_train.h5").write_bytes(b"no HDF5")
    with pytest.raises(InvalidValue, match="an HDF5 file with labels"):
        load_events(str(tmp_path))


def test_braille_tensors_are_read_and_nothing_else(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="the torch extra is not installed")
    rng = np.random.default_rng(0)
    spikes = (rng.random((5, 9, 12)) < 0.3).astype(np.float32)
    labels = np.array([0, 1, 2, 1, 6])
    whole = torch.utils.data.TensorDataset(torch.tensor(spikes), torch.tensor(labels))
    for part in ("train", "test"):
        torch.save(whole, tmp_path / f"ds_{part}.pt")
    found = load_samples(str(tmp_path))
    assert (found.steps, found.pixels, found.classes) == (9, 12, 7)
    np.testing.assert_array_equal(found.train_images, spikes)
    np.testing.assert_array_equal(found.test_labels, labels)
    with pytest.raises(InvalidValue, match="steps = 8: allowed is 9"):
        load_samples(str(tmp_path), 8)
    for other in (Path, {"a": 1}, b"nothing"):
        path = tmp_path / "ds_test.pt"
        path.write_bytes(other) if isinstance(other, bytes) else torch.save(other, path)
        with pytest.raises(InvalidValue, match="a saved TensorDataset of two tensors"):
            load_samples(str(tmp_path))


def test_delayed_match_is_drawn_by_its_rule() -> None:
    found, again = (load_samples(DELAYED_MATCH) for _ in range(2))
    assert (found.steps, found.pixels, found.classes) == (28, 8, 2)
    np.testing.assert_array_equal(found.train_images, again.train_images)
    pulse, pause = delayed_match.PULSE, delayed_match.PAUSE
    x = found.test_images.astype(np.int64)
    first, second = x[:, :pulse], x[:, pulse + pause : 2 * pulse + pause]
    left = [a[:, :, :4].sum(axis=(1, 2)) > a[:, :, 4:].sum(axis=(1, 2)) for a in (first, second)]
    np.testing.assert_array_equal(found.test_labels == 1, left[0] == left[1])
    assert 0.4 < found.test_labels.mean() < 0.6
    with pytest.raises(InvalidValue, match="steps = 5: allowed is 28: those of the set"):
        load_samples(DELAYED_MATCH, 5)
    with pytest.raises(InvalidValue, match=r"thresholds = \[3\]: allowed is none"):
        load_samples(DELAYED_MATCH, thresholds=(3,))


def small() -> EventSet:
    found = load_samples(DELAYED_MATCH)
    assert isinstance(found, EventSet)
    return replace(
        found, train_images=found.train_images[:600], train_labels=found.train_labels[:600],
        test_images=found.test_images[:200], test_labels=found.test_labels[:200],
    )  # fmt: skip


RECURRENT = Settings(hidden=(16,), epochs=3, recurrent=True, neuron="perfect", seed=2)


def test_recurrent_nets_are_trained_resumed_and_computed_by_the_contract() -> None:
    data = small()
    run = begin(RECURRENT, data)
    before = run.layers[0].recurrent
    assert before is not None
    layers = train(run, data)
    assert layers[0].recurrent is not None
    assert layers[1].recurrent is None
    assert not np.array_equal(layers[0].recurrent, before)
    again = resume(RECURRENT, data, run.state())
    np.testing.assert_array_equal(again.layers[0].recurrent, run.layers[0].recurrent)
    net = network(layers, RECURRENT)
    assert [(c.pre, c.post, c.delay) for c in net.connections] == [
        ("pixels", "hidden", 0), ("hidden", "hidden", 1), ("hidden", "digit", 0),
    ]  # fmt: skip
    spikes = data.spikes(data.test_images[:4])
    tapes = forward(layers, spikes, DT, RECURRENT.rule())
    for k in range(4):
        traces = run_contract(quantise(net).contract, {"pixels": spikes[:, k]})
        for tape, trace in zip(tapes, traces.values(), strict=True):
            np.testing.assert_array_equal(tape.spikes[:, k], trace.spikes)
            np.testing.assert_array_equal(tape.v[:, k] * 64, trace.v)


def test_weights_stay_on_their_grid_with_recurrence() -> None:
    layers = rounded(begin(RECURRENT, small()).layers, RECURRENT)
    recurrent = layers[0].recurrent
    assert recurrent is not None
    assert np.array_equal(recurrent * 64, np.rint(recurrent * 64))


def test_sets_that_do_not_fit() -> None:
    data = small()
    for changes, words in (
        ({"train_images": data.train_images[:, :, 0]}, "train spikes"),
        ({"test_images": data.test_images[:, :5]}, "test spikes"),
        ({"test_labels": data.test_labels[:7]}, "test labels"),
        ({"classes": 1}, r"train labels = \[0, 1\]: allowed is 0 to 0"),
    ):
        with pytest.raises(InvalidValue, match=words):
            replace(data, **changes)  # type: ignore[arg-type]
    with pytest.raises(InvalidValue, match=r"augment = 1\.0: allowed is 0: events, no images"):
        begin(replace(RECURRENT, augment=1.0), data)
    with pytest.raises(InvalidValue, match="'delayed-match' or a folder"):
        load_dataset("nowhere")

"""Digits: the split, the encoder, and what the shipped network makes of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifstone.case import contract_of
from lifstone.golden import InvalidValue, Widths
from lifstone.sim.digits import PIXELS, STEPS, decode, encode, load_digits
from lifstone.sim.nir_read import read_nir
from lifstone.sim.simulate import Simulator

SHIPPED = Path(__file__).parents[2] / "lifstone" / "data" / "digits.nir"


def test_the_split_is_fixed() -> None:
    data = load_digits()
    assert data.test_images.shape == (360, PIXELS)
    assert data.train_images.shape == (1437, PIXELS)
    assert (data.test_labels.shape, data.train_labels.shape) == ((360,), (1437,))
    assert data.test_images.dtype == data.test_labels.dtype == np.int64
    assert (data.test_images.min(), data.test_images.max()) == (0, 16)
    # Every fifth image of the set, from the first on; its labels run 0 to 9 to begin with.
    assert data.test_labels[:6].tolist() == [0, 5, 0, 5, 0, 5]
    assert data.train_labels[:8].tolist() == [1, 2, 3, 4, 6, 7, 8, 9]
    assert set(data.test_labels.tolist()) == set(range(10))
    again = load_digits()
    assert np.array_equal(again.test_images, data.test_images)
    # No image is on both sides.
    rows = {r.tobytes() for r in data.train_images}
    assert not any(r.tobytes() in rows for r in data.test_images)


def test_a_pixel_spikes_as_often_as_it_is_bright() -> None:
    images = np.tile(np.arange(17)[:, None], (1, PIXELS))
    spikes = encode(images)
    assert spikes.shape == (STEPS, 17, PIXELS)
    assert spikes.dtype == np.uint8
    assert set(np.unique(spikes)) == {0, 1}
    assert np.array_equal(spikes.sum(axis=0), images)


@given(level=st.integers(1, 16), pixel=st.integers(0, PIXELS - 1), steps=st.sampled_from([16, 64]))
def test_spikes_are_evenly_spread(level: int, pixel: int, steps: int) -> None:
    image = np.zeros((1, PIXELS), np.int64)
    image[0, pixel] = level
    times = np.flatnonzero(encode(image, steps)[:, 0, pixel])
    assert times.size == level * steps // 16
    gaps = np.diff(np.r_[times, times[0] + steps])
    assert set(gaps) <= {16 // level, -(-16 // level)}


def test_neighbours_do_not_fire_in_volleys() -> None:
    spikes = encode(np.full((1, PIXELS), 4))[:, 0]
    assert spikes.sum(axis=1).tolist() == [16] * STEPS
    assert encode(np.full((1, PIXELS), 1))[:, 0].sum(axis=1).max() == 4


def test_encoding_has_no_randomness() -> None:
    images = load_digits().test_images[:20]
    assert np.array_equal(encode(images), encode(images))
    assert np.array_equal(encode(images[3:4])[:, 0], encode(images)[:, 3])


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.full((2, 3), 17), r"images\[0, 0\] = 17: allowed is 0 to 16"),
        (np.array([[0, 1], [3, -1]]), r"images\[1, 1\] = -1"),
        (np.zeros(PIXELS), r"images = \[64\]: allowed is two dimensions"),
    ],
)
def test_wrong_images(images: Any, message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        encode(images)


def test_the_class_is_the_one_that_fires_most() -> None:
    spikes = np.zeros((4, 3, 10), bool)
    spikes[:2, 0, 7] = spikes[0, 0, 2] = True
    spikes[1:3, 1, 9] = spikes[2:, 1, 4] = True
    # Two for 7; a tie of 4 and 9 goes to the lower; silence is a 0.
    assert decode(spikes).tolist() == [7, 4, 0]


def test_the_shipped_network_reads_the_test_images() -> None:
    model = read_nir(SHIPPED).network
    data = load_digits()
    spikes = {"pixels": encode(data.test_images)}
    right = {}
    for name, net in (("float", model), ("contract", contract_of(model, Widths()).contract)):
        out = Simulator(net).run(spikes, record=("spikes",))["digit"].spikes
        right[name] = int((decode(out) == data.test_labels).sum())
    assert right["contract"] >= 0.95 * 360
    assert right["float"] >= 0.95 * 360
    # The figures of the README and of lifstone/data: 97.2 % on both.
    assert right == {"float": 350, "contract": 350}

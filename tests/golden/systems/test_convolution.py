"""System 12: convolution with shared kernels, three readings and an independent one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import correlate

from lifstone.golden import InvalidValue
from lifstone.golden.layers.convolution import Convolution, Target
from lifstone.golden.layers.pooling import average_pool, sum_pool
from lifstone.golden.systems.convolution import SYSTEM, Parameters


def plain(conv: Convolution, image: np.ndarray) -> np.ndarray:
    """SciPy's correlation of every channel pair, then stride; the kernel is spread to dilate."""
    w = conv.weight
    out = np.zeros(conv.out_shape, dtype=w.dtype)
    per_out, per_in = w.shape[0] // conv.groups, w.shape[1]
    pad = [(p, p) for p in conv.padding]
    for o in range(w.shape[0]):
        for c in range(per_in):
            spread = [d * (k - 1) + 1 for d, k in zip(conv.dilation, w.shape[2:], strict=True)]
            kernel = np.zeros(spread, dtype=w.dtype)
            kernel[tuple(slice(None, None, d) for d in conv.dilation)] = w[o, c]
            source = np.pad(image[(o // per_out) * per_in + c], pad)
            full = correlate(source, kernel, mode="valid", method="direct")
            out[o] += full[tuple(slice(None, None, s) for s in conv.stride)]
    return out


@st.composite
def convolutions(draw: st.DrawFn) -> Convolution:
    axes = draw(st.integers(1, 2))
    groups = draw(st.integers(1, 3))
    kernel = [draw(st.integers(1, 4)) for _ in range(axes)]
    dilation = tuple(draw(st.integers(1, 2)) for _ in range(axes))
    padding = tuple(draw(st.integers(0, 3)) for _ in range(axes))
    stride = tuple(draw(st.integers(1, 3)) for _ in range(axes))
    shape = [groups * draw(st.integers(1, 2))]
    for k, d, p in zip(kernel, dilation, padding, strict=True):
        least = max(1, d * (k - 1) + 1 - 2 * p)
        shape.append(draw(st.integers(least, least + 5)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    size = (groups * draw(st.integers(1, 2)), shape[0] // groups, *kernel)
    weight = rng.integers(-9, 10, size)
    return Convolution(
        weight, tuple(shape), stride=stride, padding=padding, dilation=dilation, groups=groups
    )


@settings(max_examples=120, deadline=None)
@given(conv=convolutions(), seed=st.integers(0, 1000))
def test_all_readings_agree_with_scipy(conv: Convolution, seed: int) -> None:
    spikes = (np.random.default_rng(seed).random((3, conv.n_in)) < 0.4).astype(np.int64)
    dense = conv.dense(spikes)
    assert dense.dtype == np.int64
    expected = [plain(conv, s.reshape(conv.shape)).reshape(-1) for s in spikes]
    np.testing.assert_array_equal(dense, expected)
    event, operations = conv.event_driven(spikes)
    np.testing.assert_array_equal(event, dense)
    matrix = conv.matrix()
    np.testing.assert_array_equal(spikes @ matrix.T.toarray(), dense)
    assert operations == int((spikes * conv.fan_out()).sum())
    assert matrix.nnz == conv.fan_out().sum()


@settings(max_examples=30, deadline=None)
@given(conv=convolutions(), line=st.integers(0, 10_000))
def test_targets_are_a_column_of_the_matrix(conv: Convolution, line: int) -> None:
    line %= conv.n_in
    column = np.zeros(conv.n_out, dtype=np.int64)
    found = conv.targets(line)
    for t in found:
        column[t.line] += conv.weight.reshape(-1)[t.kernel]
    np.testing.assert_array_equal(column, conv.matrix().toarray()[:, line])
    assert [t.line for t in found] == sorted({t.line for t in found})
    assert len(found) == conv.fan_out()[line]


def test_a_case_by_hand() -> None:
    conv = Convolution([[[1, 10, 100]]], (1, 4), stride=2, padding=1)
    assert conv.out_shape == (1, 2)
    # Outputs see inputs -1, 0, 1 and 1, 2, 3.
    assert conv.dense([1, 1, 0, 1]).tolist() == [110, 101]
    assert conv.targets(1) == [Target(0, 2), Target(1, 0)]
    assert conv.event_driven([1, 1, 0, 1]) == (pytest.approx(np.array([110, 101])), 4)


def test_floats_and_batches_keep_their_shape() -> None:
    conv = Convolution(np.full((2, 1, 2, 2), 0.25), (1, 3, 3))
    out = conv.dense(np.ones((5, 7, 9)))
    assert out.shape == (5, 7, 8)
    np.testing.assert_allclose(out, 1.0)


def test_pooling_sums_and_averages() -> None:
    image = np.arange(32).reshape(2, 4, 4)
    pooled = sum_pool((2, 4, 4), 2).dense(image.reshape(-1)).reshape(2, 2, 2)
    np.testing.assert_array_equal(pooled, image.reshape(2, 2, 2, 2, 2).sum(axis=(2, 4)))
    mean = average_pool((2, 4, 4), (2, 1), stride=1).dense(image.reshape(-1).astype(float))
    wanted = (image[:, 1:] + image[:, :-1]) / 2
    np.testing.assert_allclose(mean.reshape(2, 3, 4), wanted)
    padded = average_pool((1, 2), 3, stride=1, padding=1).dense([3.0, 6.0])
    np.testing.assert_allclose(padded, [3.0, 3.0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"weight": np.ones((2, 2))}, r"weight = \[2, 2\]: allowed is 3 or 4 dimensions"),
        ({"weight": np.ones((1, 1, 0))}, "no empty dimension"),
        ({"weight": [[[1.0, np.nan]]]}, r"weight\[0, 0, 1\] = nan: allowed is finite"),
        ({"shape": (1, 2, 2)}, "shape = .*: allowed is 2 numbers"),
        ({"shape": (2, 8)}, "allowed is 2 input channels in 1 groups"),
        ({"groups": 0}, "groups = 0"),
        ({"shape": (1, 2)}, "no larger than the padded input"),
        ({"stride": 0}, "stride = 0: allowed is one number of at least 1, or 1"),
        ({"padding": -1}, "padding = -1"),
        ({"dilation": (1, 1)}, r"dilation = \(1, 1\)"),
    ],
)
def test_wrong_convolutions(arguments: dict[str, Any], message: str) -> None:
    given = {"weight": [[[1.0, 2.0, 3.0]]], "shape": (1, 8), **arguments}
    with pytest.raises(InvalidValue, match=message):
        Convolution(given.pop("weight"), given.pop("shape"), **given)


def test_wrong_spikes_and_pools() -> None:
    conv = Convolution([[[1, 2]]], (1, 4))
    with pytest.raises(InvalidValue, match="a last axis of 4 lines"):
        conv.dense(np.ones(3))
    with pytest.raises(InvalidValue, match="spikes = 'other values': allowed is 0 or 1"):
        conv.event_driven([2, 0, 0, 0])
    with pytest.raises(InvalidValue, match="line = 4: allowed is 0 to 3"):
        conv.targets(4)
    with pytest.raises(InvalidValue, match="kernel"):
        sum_pool((1, 4), 0)
    with pytest.raises(InvalidValue, match="shape"):
        sum_pool((4,), 2)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"groups": 2, "stride": 2, "dilation": 2, "pool": 3, "seed": 5},
        {"kernel": 5, "padding": 0, "channels_in": 1, "channels_out": 3, "noise": 0.5},
    ],
)
def test_convolution_system_agrees(changes: dict[str, Any]) -> None:
    result = SYSTEM.run(Parameters(**changes))
    assert result.agrees
    assert result.figures[2].value > 0  # the comparison of spikes is not of silence


def test_convolution_system_notices_a_wrong_sum(monkeypatch: pytest.MonkeyPatch) -> None:
    right = Convolution.event_driven

    def wrong(self: Convolution, spikes: Any) -> Any:
        sums, operations = right(self, spikes)
        sums[0, 0] += 1
        return sums, operations

    monkeypatch.setattr(Convolution, "event_driven", wrong)
    assert not SYSTEM.run(Parameters()).agrees


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"groups": 3}, "channels_in = 2: allowed is a multiple of groups = 3"),
        ({"noise": 1.5}, "noise = 1.5: allowed is finite numbers from 0 up to 1"),
        ({"kernel": 2.5}, "kernel = 2.5: allowed is whole numbers"),
        ({"size": 3, "kernel": 9, "padding": 0}, "no larger than the padded input"),
    ],
)
def test_wrong_convolution_parameters(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        SYSTEM.run(Parameters(**changes))

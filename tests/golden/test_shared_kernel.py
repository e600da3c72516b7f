"""A kernel stored once, read through tables, is the convolution; pooling in front included."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lifstone.golden import InvalidValue
from lifstone.golden.layers.convolution import Convolution
from lifstone.golden.layers.pooling import sum_pool
from lifstone.golden.layers.shared import SharedKernel, shared_kernel


def draw_conv(data: st.DataObject, axes: int = 2) -> Convolution:
    def sizes(low: int, high: int) -> tuple[int, ...]:
        return tuple(data.draw(st.integers(low, high)) for _ in range(axes))

    groups = data.draw(st.sampled_from([1, 1, 2]))
    out, fan = groups * data.draw(st.integers(1, 2)), data.draw(st.integers(1, 2))
    kernel, dilation, padding, shape = sizes(1, 4), sizes(1, 3), sizes(0, 3), sizes(1, 6)
    spans = [d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True)]
    assume(all(n + 2 * p >= s for n, p, s in zip(shape, padding, spans, strict=True)))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    weight = rng.integers(-50, 50, (out, fan, *kernel))
    return Convolution(
        weight, (fan * groups, *shape), stride=sizes(1, 4), padding=padding,
        dilation=dilation, groups=groups,
    )  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(data=st.data(), axes=st.sampled_from([1, 2]))
def test_tables_give_the_unrolled_convolution(data: st.DataObject, axes: int) -> None:
    conv = draw_conv(data, axes)
    whole = SharedKernel(conv, (1,) * axes, conv.shape)
    np.testing.assert_array_equal(whole.matrix().toarray(), conv.matrix().toarray())
    np.testing.assert_array_equal(whole.fan_out(), conv.fan_out())
    again = shared_kernel(conv, conv.matrix().toarray())
    np.testing.assert_array_equal(again.matrix().toarray(), conv.matrix().toarray())


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_pooling_in_front_only_changes_the_tables(data: st.DataObject) -> None:
    conv = draw_conv(data)
    pool = tuple(data.draw(st.integers(1, 3)) for _ in range(2))
    rest = tuple(data.draw(st.integers(0, p - 1)) for p in pool)
    sizes = [n * p + r for n, p, r in zip(conv.shape[1:], pool, rest, strict=True)]
    shape = (conv.shape[0], *sizes)
    wanted = (conv.matrix() @ sum_pool(shape, pool).matrix()).toarray()
    whole = shared_kernel(conv, wanted, pool, shape)
    np.testing.assert_array_equal(whole.matrix().toarray(), wanted)
    assert whole.conv.weight.size == conv.weight.size


def test_lines_that_are_not_there_are_silent() -> None:
    """Input narrower than what the convolution reads, as uneven padding leaves it."""
    conv = Convolution(np.arange(6).reshape(1, 1, 2, 3), (1, 5, 4))
    narrow = SharedKernel(conv, (1, 1), (1, 4, 3))
    front = np.arange(20).reshape(5, 4)[:4, :3].reshape(-1)
    np.testing.assert_array_equal(narrow.matrix().toarray(), conv.matrix().toarray()[:, front])


def test_what_is_no_shared_kernel_is_refused() -> None:
    conv = Convolution(np.ones((1, 1, 2, 2), np.int64), (1, 3, 3))
    matrix = conv.matrix().toarray()
    other = matrix.copy()
    other[3, 4] = 2
    with pytest.raises(InvalidValue, match=r"weight\[\d, \d\] = \d+: allowed is what the other"):
        shared_kernel(conv, other)
    other = matrix.copy()
    other[0, 8] = 1
    with pytest.raises(InvalidValue, match=r"weight\[0, 8\] = 1"):
        shared_kernel(conv, other)
    with pytest.raises(InvalidValue, match=r"matrix = \[4, 8\]"):
        shared_kernel(conv, matrix[:, :8])
    with pytest.raises(InvalidValue, match="weight = 'float64'"):
        SharedKernel(Convolution(np.ones((1, 1, 2)), (1, 4)), (1,), (1, 4))
    with pytest.raises(InvalidValue, match=r"pool = \(0, 1\)"):
        SharedKernel(conv, (0, 1), (1, 3, 3))
    with pytest.raises(InvalidValue, match=r"shape = \(2, 3, 3\)"):
        SharedKernel(conv, (1, 1), (2, 3, 3))

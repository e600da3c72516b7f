"""System 13: rectified units as spiking neurons; folding, scales, and the bound."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from lifstone.golden import InvalidValue, run_float
from lifstone.golden.conversion.convert import (
    BIAS_INPUT,
    Bias,
    convert,
    even_spikes,
    scales,
)
from lifstone.golden.conversion.relu import (
    ReluNetwork,
    Stage,
    fold_batch_norm,
    from_convolution,
    merge,
)
from lifstone.golden.layers.convolution import Convolution
from lifstone.golden.layers.pooling import average_pool
from lifstone.golden.systems.conversion import SYSTEM, Parameters, classifier, spike_counts


def random_network(seed: int, depth: int) -> tuple[ReluNetwork, np.ndarray]:
    rng = np.random.default_rng(seed)
    sizes = [int(rng.integers(2, 7)) for _ in range(depth + 1)]
    stages = [
        Stage(rng.normal(size=(b, a)), 0.4 * rng.normal(size=b))
        for a, b in itertools.pairwise(sizes)
    ]
    return ReluNetwork(tuple(stages)), rng.random((5, sizes[0]))


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    depth=st.integers(1, 3),
    bias=st.sampled_from(Bias),
    v_init=st.sampled_from([0.0, 0.3, 0.5, 1.0]),
    rate=st.sampled_from([None, 0.2, 1.0]),
    percentile=st.sampled_from([100.0, 80.0]),
)
def test_conversion_stays_within_its_bound(
    seed: int, depth: int, bias: Bias, v_init: float, rate: float | None, percentile: float
) -> None:
    relu, x = random_network(seed, depth)
    lowest = float(relu.pre_activations(x)[-1].min())
    try:
        found = scales(relu, x, percentile)
    except InvalidValue:
        reject()  # a hidden stage that never fires on five points
    c = convert(relu, found, bias=bias, offset=max(0.0, -lowest), v_init=v_init, bias_rate=rate)
    counts = spike_counts(c, x, 60)
    for wanted, got, bound in zip(c.wanted(relu, x), counts, c.errors, strict=True):
        k = np.arange(1, 61)[:, None, None]
        assert (np.abs(got - k * wanted) <= bound + 1e-9).all()


def test_conversion_bound_of_the_first_stage_is_tight() -> None:
    relu, _, x, _ = classifier(Parameters())
    c = convert(relu, scales(relu, x))
    first = spike_counts(c, x, 200)[0]
    k = np.arange(1, 201)[:, None, None]
    share = (np.abs(first - k * c.wanted(relu, x)[0]) / c.errors[0]).max()
    assert 0.5 < share <= 1.0


def test_spike_counts_are_those_of_the_plain_runner() -> None:
    relu, x = random_network(3, 2)
    c = convert(relu, scales(relu, x), bias=Bias.NEURON, bias_rate=0.3)
    counts = spike_counts(c, x, 25)
    for sample in range(len(x)):
        inputs = {
            "pixels": even_spikes(x[sample] / c.scales[0], 25),
            BIAS_INPUT: even_spikes(np.array([c.bias_rate]), 25),
        }
        traces = run_float(c.network, inputs)
        for name, n in zip(c.network.order, counts, strict=True):
            np.testing.assert_array_equal(traces[name].spikes.cumsum(axis=0), n[:, sample])


def test_clipped_rates_are_the_network_where_nothing_clips() -> None:
    relu, _, x, _ = classifier(Parameters(samples=40))
    found = scales(relu, x)
    lowest = float(relu.pre_activations(x)[-1].min())
    c = convert(relu, found, offset=-lowest)
    got = c.wanted(relu, x)
    z = relu.pre_activations(x)
    np.testing.assert_allclose(got[0], np.maximum(z[0], 0) / found[1], atol=1e-12)
    np.testing.assert_allclose(got[1], np.maximum(z[1], 0) / found[2], atol=1e-12)
    np.testing.assert_allclose(got[2], (z[2] - lowest) / found[3], atol=1e-12)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 1000))
def test_folding_changes_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    stage = Stage(rng.normal(size=(4, 3)), rng.normal(size=4))
    gamma, beta, mean = rng.normal(size=(3, 4))
    variance = rng.random(4)
    x = rng.normal(size=(6, 3))
    plain = (x @ stage.weight.T + stage.bias - mean) / np.sqrt(variance + 1e-3) * gamma + beta
    folded = fold_batch_norm(stage, gamma, beta, mean, variance, 1e-3)
    np.testing.assert_allclose(x @ folded.weight.T + folded.bias, plain, atol=1e-12)


def test_convolution_and_pooling_become_stages() -> None:
    rng = np.random.default_rng(1)
    conv = Convolution(rng.normal(size=(3, 2, 3, 3)), (2, 6, 6), padding=1)
    bias = rng.normal(size=3)
    x = rng.random((4, 72))
    stage = from_convolution(conv, bias)
    plain = conv.dense(x).reshape(4, 3, 36) + bias[:, None]
    np.testing.assert_allclose(x @ stage.weight.T + stage.bias, plain.reshape(4, -1), atol=1e-12)
    pool = average_pool(conv.out_shape, 2)
    then = Stage(rng.normal(size=(5, pool.n_out)), rng.normal(size=5))
    merged = merge(pool.matrix(), then)
    h = rng.random((4, conv.n_out))
    wanted = pool.dense(h) @ then.weight.T + then.bias
    np.testing.assert_allclose(h @ merged.weight.T + merged.bias, wanted, atol=1e-12)
    both = merge(stage, merged)
    z = x @ stage.weight.T + stage.bias
    np.testing.assert_allclose(
        x @ both.weight.T + both.bias, z @ merged.weight.T + merged.bias, atol=1e-12
    )


@given(st.lists(st.floats(0, 1), min_size=1, max_size=4), st.integers(1, 60))
def test_even_spikes_stay_within_half_a_spike(rates: list[float], steps: int) -> None:
    spikes = even_spikes(rates, steps)
    assert set(np.unique(spikes)) <= {0, 1}
    k = np.arange(1, steps + 1)[:, None]
    assert (np.abs(spikes.cumsum(axis=0) - k * np.array(rates)) <= 0.5 + 1e-9).all()


def test_conversion_is_blind_to_the_unit_of_activations() -> None:
    relu, _, x, _ = classifier(Parameters(samples=20))
    stages = [Stage(s.weight, s.bias) for s in relu.stages]
    stages[0] = Stage(7 * stages[0].weight, 7 * stages[0].bias)
    stages[1] = Stage(stages[1].weight / 7, stages[1].bias)
    other = ReluNetwork(tuple(stages))
    a, b = convert(relu, scales(relu, x)), convert(other, scales(other, x))
    for left, right in zip(a.network.connections, b.network.connections, strict=True):
        np.testing.assert_allclose(left.weight, right.weight, rtol=1e-12)


@pytest.mark.parametrize("changes", [{}, {"bias": "neuron", "percentile": 99.0, "seed": 4}])
def test_conversion_system_agrees(changes: dict[str, Any]) -> None:
    result = SYSTEM.run(Parameters(**changes))
    assert result.agrees
    found = {f.name: f.value for f in result.figures}
    assert found["accuracy, rectified units"] > 0.9
    assert found["accuracy, spiking"] > 0.9


def test_conversion_system_notices_a_wrong_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    from lifstone.golden.systems import conversion

    def halved(*args: Any, **kwargs: Any) -> Any:
        c = convert(*args, **kwargs)
        return type(c)(**{**vars(c), "errors": tuple(e / 2 for e in c.errors)})

    monkeypatch.setattr(conversion, "convert", halved)
    assert not SYSTEM.run(Parameters()).agrees


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Stage([1.0]), r"weight = \[1\]: allowed is two dimensions"),
        (lambda: Stage([[np.nan]]), r"weight\[0, 0\] = nan"),
        (lambda: Stage([[1.0]], [1.0, 2.0]), r"bias = \[2\]: allowed is 1 values"),
        (lambda: ReluNetwork(()), "stages = 0"),
        (
            lambda: ReluNetwork((Stage(np.ones((2, 2))), Stage(np.ones((2, 3))))),
            r"stages\[1\].weight = \[2, 3\]: allowed is 2 inputs",
        ),
        (
            lambda: fold_batch_norm(Stage([[1.0]]), [1.0], [0.0], [0.0], [-1.0]),
            r"variance\[0\] = -1.0",
        ),
        (
            lambda: fold_batch_norm(Stage([[1.0]]), [1.0], [0.0], [0.0], [1.0], 0.0),
            "epsilon = 0.0",
        ),
        (lambda: scales(ReluNetwork((Stage([[1.0]]),)), [[-1.0]]), "inputs of at least 0"),
        (lambda: scales(ReluNetwork((Stage([[1.0]]),)), [[0.0]]), "calibration data with"),
        (lambda: scales(ReluNetwork((Stage([[1.0]]),)), [[1.0]], 0.0), "percentile = 0.0"),
        (
            lambda: scales(ReluNetwork((Stage([[-1.0]]), Stage([[1.0]]))), [[1.0]]),
            r"stages\[0\] = 'never active'",
        ),
        (lambda: convert(ReluNetwork((Stage([[1.0]]),)), [1.0]), "scales = 1: allowed is 2"),
        (lambda: convert(ReluNetwork((Stage([[1.0]]),)), [1.0, 0.0]), "scales = .*above 0"),
        (
            lambda: convert(ReluNetwork((Stage([[1.0]]),)), [1.0, 1.0], bias="both"),
            "bias = 'both': allowed is current or neuron",
        ),
        (
            lambda: convert(
                ReluNetwork((Stage([[1.0]], [1.0]),)), [1.0, 1.0], bias="neuron", bias_rate=1.5
            ),
            "bias_rate = 1.5",
        ),
        (lambda: convert(ReluNetwork((Stage([[1.0]]),)), [1, 1], v_init=2.0), "v_init = 2.0"),
        (lambda: even_spikes([1.5], 3), "rates = 'outside': allowed is 0 to 1"),
    ],
)
def test_wrong_conversions(call: Any, message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        call()

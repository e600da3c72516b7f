"""From floats to integers: words by hand, widths that fit, messages that help."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lifstone.golden import (
    Connection,
    DecayMode,
    Drive,
    InvalidValue,
    Lif,
    Method,
    Network,
    NetworkContract,
    Rounding,
    Widths,
    quantise,
    run_contract,
    run_float,
)
from lifstone.golden.fixed import limits
from lifstone.golden.quantise import scale_of
from tests.networks import random_network, random_quantised

DT = 1e-3
IDEAL = {"tau_mem": np.inf, "r": 1 / DT}


def one(
    lif: Lif,
    weights: Any = ((1.0,),),
    bias: Any = None,
    method: Method = Method.EXPONENTIAL,
) -> Network:
    """Population ``p`` behind input ``x``."""
    w = np.asarray(weights, dtype=float)
    connections = (Connection("x", "p", w),)
    currents = {} if bias is None else {"p": np.asarray(bias, dtype=float)}
    return Network(DT, {"x": w.shape[1]}, {"p": lif}, connections, ("p",), currents, method)


def test_words_by_hand() -> None:
    lif = Lif(**IDEAL, v_leak=-1.0, v_th=[3.0, 2.0], v_reset=-1.5, v_init=-0.4, t_ref=2.6e-3)
    q = quantise(one(lif, [[0.5, -1.25], [2.0, 0.26]], [0.26, -3.0]), Widths(state=10, fraction=6))
    c = q.contract.populations["p"]
    # The farthest potential is 4 V from rest: 64 units, 1/16 V each.
    assert c.lsb.tolist() == c.i_lsb.tolist() == [1 / 16] * 2
    assert c.v_rest.tolist() == [-1.0, -1.0]
    assert (c.width, c.fraction, c.syn_width) == (10, 6, 0)
    assert c.threshold is not None
    assert c.threshold.tolist() == [64, 48]
    assert c.u_reset.tolist() == [-8, -8]
    assert c.u_init.tolist() == [10, 10]
    assert c.u_drop.tolist() == [72, 56]
    assert c.hold.tolist() == [3, 3]
    assert c.bias.tolist() == [4, -48]
    assert (c.decay_mem, c.decay_syn, c.drive) == (None, None, Drive.NEW)
    assert c.weight_shift == 0
    (connection,) = q.contract.connections
    assert connection.weight.tolist() == [[8, -20], [32, 4]]
    # -20 to 8 and 0 to 36: seven bits with the sign.
    assert c.acc_width == 7


def test_large_weights_are_aligned_by_a_shift() -> None:
    q = quantise(one(Lif(**IDEAL), [[3.0, -0.1]]), Widths(state=16, fraction=12, weight=6))
    c = q.contract.populations["p"]
    # 12288 needs 14 bits with the sign: 9 zeros more than five bits leave.
    assert c.weight_shift == 9
    assert q.contract.connections[0].weight.tolist() == [[24, -1]]


def test_drive_follows_the_method() -> None:
    lif = Lif(tau_mem=8e-3, tau_syn=4e-3, w_in=2.0, r=3.0, v_th=1.0)
    wanted = {
        Method.EULER: (Drive.NEW, 3 / 8 * 2 / 4),
        Method.EULER_OLD: (Drive.OLD, 3 / 8 * 2 / 4),
        Method.EXPONENTIAL: (Drive.BLEND, None),
    }
    for method, (drive, gain) in wanted.items():
        q = quantise(one(lif, method=method), Widths(state=20, fraction=14, weight=16))
        c = q.contract.populations["p"]
        assert c.drive is drive
        assert (c.couple is not None) == (drive is Drive.BLEND)
        if gain is not None:
            assert q.contract.connections[0].weight[0, 0] == round(gain * 2**14)
            # A unit of synaptic current moves the membrane by a unit.
            assert c.i_lsb[0] == pytest.approx(c.lsb[0] / (3 / 8))
            assert c.decay_mem is not None
            assert c.decay_mem.coefficient.tolist() == [round(7 / 8 * 2**12)]


def test_blend_couples_the_old_current() -> None:
    lif = Lif(tau_mem=8e-3, tau_syn=4e-3)
    q = quantise(one(lif), Widths(decay=20))
    c = q.contract.populations["p"]
    # Both halves of the step in closed form: share of i(0) and i(dt) in the membrane.
    am, as_ = np.exp(-1 / 8), np.exp(-1 / 4)
    spread = 4 / (4 - 8) * (as_ - am)
    new = (1 - am - spread) / (1 - as_)
    assert c.couple is not None
    assert c.couple[0] / 2**20 == pytest.approx((spread - as_ * new) / new, abs=2**-20)


def test_readouts_take_their_scale_from_reset_or_start() -> None:
    assert scale_of("p", Lif(tau_mem=1e-2, v_th=np.inf, v_init=3.0, v_reset=-0.5)) == 3.0
    assert scale_of("p", Lif(tau_mem=1e-2, v_th=np.inf)) == 1.0
    c = quantise(one(Lif(tau_mem=1e-2, v_th=np.inf))).contract.populations["p"]
    assert c.threshold is None
    assert c.u_drop.tolist() == [0]
    with pytest.raises(InvalidValue, match=r"p.v_th = .*all finite or all infinite"):
        quantise(one(Lif(tau_mem=1e-2, v_th=[1.0, np.inf]), [[1.0], [1.0]]))


def test_shift_decay_is_the_nearest_power() -> None:
    for tau, shift in ((16e-3, 4), (10e-3, 3), (1e-3, 1), (0.5, 9)):
        model = one(Lif(tau_mem=tau), method=Method.EULER)
        decay = quantise(model, Widths(decay_mode="shift")).contract.populations["p"].decay_mem
        assert decay is not None
        assert decay.shift == shift
    mixed = one(Lif(tau_mem=[4e-3, 16e-3]), [[1.0], [1.0]])
    with pytest.raises(InvalidValue, match=r"p.tau_mem = 'several': allowed is one decay for all"):
        quantise(mixed, Widths(decay_mode=DecayMode.SHIFT))


def test_each_population_may_have_its_widths() -> None:
    model = random_network(2)
    widths = {n: Widths(state=14 + k, weight=16) for k, n in enumerate(model.populations)}
    q = quantise(model, widths)
    assert [c.width for c in q.contract.populations.values()] == [14, 15, 16]
    assert set(q.bounds) == set(model.populations)
    del widths["c"]
    with pytest.raises(InvalidValue, match=r"widths.c = None: allowed is a Widths for every"):
        quantise(model, widths)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_names_order_and_words_carry_over(seed: int) -> None:
    model, q = random_network(seed), random_quantised(seed)
    net = q.contract
    assert dict(net.inputs) == dict(model.inputs)
    assert list(net.populations) == list(model.populations)
    assert (net.outputs, net.order) == (model.outputs, model.order)
    ends = [(c.pre, c.post, c.delay, c.weight.shape) for c in net.connections]
    assert ends == [(c.pre, c.post, c.delay, c.weight.shape) for c in model.connections]
    for name, c in net.populations.items():
        assert net.size(name) == model.size(name)
        into = net.into(name)
        assert [k.pre for k in into] == [k.pre for k in model.into(name)]
        low, high = limits(c.weight_width)
        assert all((k.weight >= low).all() and (k.weight <= high).all() for k in into)
        # The accumulator holds every sum, and one bit less would not.
        top = sum(np.maximum(k.weight, 0).sum(axis=1) for k in into)
        bottom = sum(np.minimum(k.weight, 0).sum(axis=1) for k in into)
        low, high = limits(c.acc_width)
        assert np.all(top <= high)
        assert np.all(bottom >= low)
        low, high = limits(c.acc_width - 1) if c.acc_width > 1 else (1, -1)
        assert np.any(top > high) or np.any(bottom < low)
    assert all(net.size(k) == n for k, n in model.inputs.items())


def test_wide_words_converge_to_the_float_model() -> None:
    lif = Lif(tau_mem=9e-3, tau_syn=4e-3, v_th=np.inf, v_init=0.9, v_reset=-1.0)
    model = one(lif, [[0.31, -0.47, 0.83]])
    spikes = {"x": (np.random.default_rng(1).random((80, 3)) < 0.4).astype(np.uint8)}
    expected = run_float(model, spikes)["p"].v
    worst = []
    for bits in (8, 12, 16, 20):
        q = quantise(model, Widths(state=bits + 4, weight=bits, decay=bits))
        volts = q.contract.populations["p"].volts(run_contract(q.contract, spikes)["p"].v)
        worst.append(float(np.abs(volts - expected).max()))
    # Four bits are a factor of sixteen, give or take the luck of each rounding.
    assert worst[-1] < 1e-4
    assert np.all(np.divide(worst[:-1], worst[1:]) > 4)


def test_a_contract_and_its_bound_come_together() -> None:
    q = quantise(one(Lif(tau_mem=1e-2), [[5.0]]))
    assert q.bounds["p"].at(10).shape == (10, 1)
    assert q.bounds["p"].lsb is q.contract.populations["p"].lsb


def refused(model: Network, widths: Widths) -> InvalidValue | None:
    """Why the widths do not do, or nothing."""
    try:
        quantise(model, widths)
    except InvalidValue as error:
        return error
    return None


def suggested(error: InvalidValue) -> int:
    """The width that a message names."""
    return int(re.search(r"at least (\d+) bits", error.allowed).group(1))  # type: ignore[union-attr]


@settings(max_examples=40, deadline=None)
@given(weight=st.floats(0.5, 3000.0), bits=st.integers(2, 6), state=st.integers(8, 20))
def test_the_weight_width_that_is_named_fits(weight: float, bits: int, state: int) -> None:
    model, widths = one(Lif(**IDEAL), [[weight]]), Widths(state=state, weight=bits)
    error = refused(model, widths)
    if error is not None:
        assert error.field == "p.widths.weight"
        need = suggested(error)
        assert refused(model, replace(widths, weight=need)) is None
        assert refused(model, replace(widths, weight=need - 1)) is not None


@settings(max_examples=40, deadline=None)
@given(tau=st.floats(1.0, 1e4), bits=st.integers(1, 12))
def test_the_decay_width_that_is_named_fits(tau: float, bits: int) -> None:
    model, widths = one(Lif(tau_mem=tau), [[1.0]]), Widths(decay=bits, state=20)
    with pytest.raises(InvalidValue, match="the leak of neuron 0 rounds to none") as caught:
        quantise(model, replace(widths, decay=min(bits, 8)))
    need = suggested(caught.value)
    assert caught.value.field == "p.tau_mem: widths.decay"
    if need <= 24:
        quantise(model, replace(widths, decay=need))
        with pytest.raises(InvalidValue):
            quantise(model, replace(widths, decay=need - 1))


@pytest.mark.parametrize("tau_syn", [None, 4e-3])
def test_the_state_width_that_is_named_fits(tau_syn: float | None) -> None:
    tau = np.inf if tau_syn is None else 1e-2
    model = one(Lif(tau_mem=tau, r=1 / DT, tau_syn=tau_syn), [[0.1]], [1000.0])
    widths = Widths(state=16, fraction=12)
    field = "state" if tau_syn is None else "syn"
    with pytest.raises(InvalidValue, match=r"12 of them fraction, for bias\[0\]") as caught:
        quantise(model, widths)
    assert caught.value.field == f"p.widths.{field}"
    need = suggested(caught.value)
    quantise(model, replace(widths, **{field: need}))
    with pytest.raises(InvalidValue):
        quantise(model, replace(widths, **{field: need - 1}))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("model", "widths", "message"),
    [
        (
            one(Lif(**IDEAL), [[1e12]]),
            Widths(),
            r"p.widths.weight = 8: allowed is nothing wide enough for a weight of 1e\+12 of",
        ),
        (
            one(Lif(**IDEAL, v_th=1e-30), [[1e305]]),
            Widths(),
            "p.weight = inf: allowed is a finite share of the threshold",
        ),
        (
            one(Lif(**IDEAL), np.full((1, 4000), 8000.0)),
            Widths(state=32, fraction=16, weight=22),
            "p.acc_width = .*: allowed is at most 32 bits: fewer inputs",
        ),
        (one(Lif(tau_mem=1e-2, t_ref=100.0)), Widths(), r"hold\[0\] = 100000"),
    ],
)
def test_what_no_width_can_hold(model: Network, widths: Widths, message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        quantise(model, widths)


def test_a_network_contract_holds_what_its_words_promise() -> None:
    good = quantise(random_network(2), Widths(weight=16)).contract
    c = good.connections[0]
    post = good.populations[c.post]

    def with_connection(**changes: Any) -> NetworkContract:
        return replace(good, connections=(replace(c, **changes), *good.connections[1:]))

    wide = c.weight.copy()
    wide[0, 0] = 1 << 15
    for changes, message in (
        ({"weight": wide}, rf"weight\[0, 0\] = 32768: allowed is .* the {post.weight_width} bits"),
        ({"weight": c.weight[:, :-1]}, r"\.weight = \["),
        ({"delay": -1}, r"\.delay = -1: allowed is 0 to 1024"),
        ({"pre": "nobody"}, r"\.pre = 'nobody'"),
        ({"post": "nobody"}, r"\.post = 'nobody'"),
    ):
        with pytest.raises(InvalidValue, match=message):
            with_connection(**changes)
    less = {**good.populations, c.post: replace(post, acc_width=post.acc_width - 1)}
    with pytest.raises(InvalidValue, match=f"at least {post.acc_width} bits"):
        replace(good, populations=less)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"state": 3}, "widths.state = 3: allowed is 4 to 32 bits"),
        ({"state": 33}, "widths.state = 33"),
        ({"fraction": -1}, "widths.fraction = -1: allowed is 0 to 14 bits"),
        ({"fraction": 15}, "widths.fraction = 15"),
        ({"syn": 13}, "widths.syn = 13: allowed is 14 to 32 bits"),
        ({"syn": 33}, "widths.syn = 33"),
        ({"weight": 1}, "widths.weight = 1: allowed is 2 to 24 bits"),
        ({"weight": 25}, "widths.weight = 25"),
        ({"decay": 0}, "widths.decay = 0: allowed is 1 to 24 bits"),
        ({"decay": 25}, "widths.decay = 25"),
        ({"decay_mode": "halve"}, "widths.decay_mode = 'halve': allowed is multiply, shift"),
        ({"rounding": "up"}, "widths.rounding = 'up': allowed is floor, nearest, even, zero"),
    ],
)
def test_wrong_widths(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        Widths(**changes)


def test_widths_accept_names() -> None:
    w = Widths(decay_mode="shift", rounding="even", state=4)
    assert (w.decay_mode, w.rounding) == (DecayMode.SHIFT, Rounding.EVEN)
    assert (w.behind_point, w.syn_bits) == (0, 4)
    assert Widths(fraction=5, syn=20).syn_bits == 20

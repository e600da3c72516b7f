"""The integer rules against the float ones, and against their closed forms."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lifstone.golden import InvalidValue, Lif, Reset
from lifstone.golden.contract import Contract, Decay
from lifstone.golden.discrete import discretise
from lifstone.golden.learning.association import Association, contract
from lifstone.golden.learning.bptt import Layer, Rule, forward
from lifstone.golden.learning.eprop import Readout, gradient
from lifstone.golden.learning.inhibitory import InhibitoryRule
from lifstone.golden.learning.inhibitory_integer import InhibitoryInteger, quantise_rule, target_of
from lifstone.golden.learning.integer_update import TraceWord, Update, WeightWord
from lifstone.golden.learning.plastic import PlasticContract, plastic_start, plastic_steps
from lifstone.golden.learning.reward import RewardRule, pair_change
from lifstone.golden.learning.surrogate import Surrogate
from lifstone.golden.learning.three_factor_integer import Mark, Signal, ThreeFactorInteger

DT = 1e-3


def obedient(n: int) -> Contract:
    """Neurons that fire when, and only when, their fixed line has a spike."""
    base = contract(Association(classes=2), 0).neurons
    single = {
        name: np.full(n, int(getattr(base, name)[0]))
        for name in ("u_reset", "u_drop", "u_init", "hold", "bias")
    }
    scale = {name: np.full(n, 1.0) for name in ("lsb", "i_lsb", "v_rest")}
    threshold, decay = np.full(n, 10), Decay(np.zeros(n, np.int64), 4)
    return replace(base, n=n, threshold=threshold, decay_mem=decay, **single, **scale)


def forced(
    rule: InhibitoryInteger | ThreeFactorInteger, n: int, lines: int, word: WeightWord, start: int
) -> PlasticContract:
    """Plastic weights too small to be felt, and a fixed line that fires each neuron."""
    return PlasticContract(
        obedient(n), np.full((n, lines), start), word, rule, 20 * np.eye(n, dtype=np.int64)
    )


def test_random_rounding_keeps_what_nearest_loses() -> None:
    word, draws = (
        WeightWord(16, 0, -30000, 30000),
        np.random.default_rng(1).integers(0, 1 << 32, 4000),
    )
    still = np.zeros((4000, 40), np.int64)
    for delta in (37, -37, 1500):
        update = Update(10)
        moved = update.moved(word, still, np.array(delta), update.offsets(draws, 40))
        by_place = moved.mean(axis=0)
        error = np.sqrt((delta % 1024) / 1024 * (1 - (delta % 1024) / 1024) / 4000)
        assert np.abs(by_place - delta / 1024).max() < 4.5 * error
    nearest = Update(10, stochastic=False)
    lost = nearest.moved(word, still[:1], np.array(37), nearest.offsets(draws[:1], 40))
    assert (lost == 0).all()
    assert nearest.moved(word, np.array(0), np.array(512), np.array(512)) == 1


def test_a_trace_ends_at_nought_and_stops_at_its_top() -> None:
    word = TraceWord(8, 100, 250, 8)
    x = word.seen(np.array(200), np.array(1))
    assert x == 255
    lasted = 0
    while x:
        x, lasted = word.after(x), lasted + 1
    assert 50 < lasted < 400


@pytest.mark.parametrize("ratio", [0.5, 1.0, 2.0])
def test_the_drift_of_independent_trains(ratio: float) -> None:
    """The closed form is for exponential traces; rounding them down costs 3 % of a window."""
    rule = InhibitoryRule(eta=1.0, tau=20e-3, target=10.0, w_max=1e9)
    word = WeightWord(30, 29, 0, (1 << 29) - 1, -1)
    integer = quantise_rule(rule, DT, 1.0 / 64)
    assert target_of(integer, DT) == pytest.approx(rule.target, rel=0.01)
    rng = np.random.default_rng(int(10 * ratio))
    pairs, steps, settle = 300, 3000, 200
    nu_pre, nu_post = 20.0, ratio * rule.target
    inputs = {
        "plastic": rng.random((steps, pairs, 1)) < nu_pre * DT,
        "fixed": rng.random((steps, pairs, 1)) < nu_post * DT,
    }
    net = forced(integer, 1, 1, word, 1 << 28)
    weights = [s.weight[:, 0, 0] for s, _ in plastic_steps(net, inputs)]
    change = (weights[-1] - weights[settle]) / 64 / ((steps - settle) * DT)
    error = change.std(ddof=1) / pairs**0.5
    # The learning rate is the nearest power of two.
    eta = integer.trace.bump / 2.0**integer.update.rate_shift / 64
    window = rule.window(DT)
    wanted = eta * nu_pre * window * (nu_post - rule.target)
    allowance = 0.03 * eta * nu_pre * window * max(nu_post, rule.target)
    assert abs(change.mean() - wanted) < 4 * error + allowance
    if ratio != 1.0:
        assert abs(change.mean()) > 6 * error, "a weight that stays must not pass"


@pytest.mark.parametrize("lag", [-40, -7, 7, 40])
@pytest.mark.parametrize("side", [0, 1])
def test_one_rewarded_pair(lag: int, side: int) -> None:
    rule = RewardRule(a_plus=0.8, a_minus=1.0)
    trace = TraceWord(19, 1 << 18, round(np.exp(-DT / rule.tau_plus) * (1 << 16)), 16)
    pulse = TraceWord(4, 1, 0, 4)
    integer = ThreeFactorInteger(
        Mark.PAIR, Signal.REWARD, trace, trace, pulse,
        mark_shift=6, e_width=24, e_factor=round(np.exp(-DT / rule.tau_c) * (1 << 16)),
        e_fraction=16, update=Update(0), a_plus=80, a_minus=100,
    )  # fmt: skip
    word = WeightWord(32, 28, -(1 << 31), (1 << 31) - 1)
    wait, steps = 60, 120
    spikes = {name: np.zeros((steps, 1), np.uint8) for name in ("plastic", "fixed")}
    signal = np.zeros((steps, 2), np.uint8)
    pre, post = (2, 2 + lag) if lag > 0 else (2 - lag, 2)
    spikes["plastic"][pre] = spikes["fixed"][post] = 1
    signal[max(pre, post) + wait, side] = 1
    net = forced(integer, 1, 1, word, 0)
    *_, (state, _) = plastic_steps(net, {**spikes, "signal": signal})
    unit = (1 << 18) * 100 / 64
    wanted = pair_change(rule, lag * DT, wait * DT, 1.0 - 2.0 * side)
    assert state.weight[0, 0] / unit == pytest.approx(wanted, rel=0.01)


def test_eligibilities_sum_to_the_gradient_of_eprop() -> None:
    """Weights that hardly move: what they move by is the float gradient, one number a synapse."""
    task = Association()
    net = contract(task, 0)
    rule = net.rule
    assert isinstance(rule, ThreeFactorInteger)
    rule = replace(rule, update=Update(18), x=replace(rule.x, width=14, bump=512), e_width=22)
    fine, rng = 16, np.random.default_rng(3)
    felt = rng.integers(5, 45, (task.classes, task.lines))
    word = WeightWord(32, fine, -(1 << 30), 1 << 30)
    n = task.classes
    neurons = replace(net.neurons, reset=Reset.SUBTRACT, u_drop=np.full(n, 1024), acc_width=24)
    net = replace(net, neurons=neurons, weight=word, rule=rule, start=(felt << fine) + (1 << 15))
    steps = 150
    inputs = {
        "plastic": (rng.random((steps, task.lines)) < 0.12).astype(np.uint8),
        "signal": (rng.random((steps, n)) < 0.1).astype(np.uint8),
    }
    fired, levels = [], []
    before = plastic_start(net)
    for after, spikes in plastic_steps(net, inputs):
        fired.append(spikes)
        k = len(levels)
        taught = inputs["signal"][k].astype(np.int64)
        seen = rule.s.seen(before.s, taught), rule.y.seen(before.y, spikes.astype(np.int64))
        levels.append(rule.level(*seen))
        before = after
    changed = before.weight - net.start
    assert np.array(fired).sum() > 4
    assert (net.weight.felt(before.weight) == felt).all()
    lif = Lif(tau_mem=20e-3, v_th=1.0, n=n, reset=Reset.SUBTRACT)
    gain = discretise(lif, DT).g_x[0]
    layer = Layer(lif, felt / 1024 / gain, np.zeros(n))
    slope = 1024 / (rule.psi_top << rule.psi_shift)
    chosen = Rule(Surrogate.TRIANGULAR, slope)
    (tape,) = forward([layer], inputs["plastic"][:, None], DT, chosen)
    assert (tape.spikes[:, 0] == np.array(fired)).all()
    readout = Readout(rule.e_factor / 2.0**rule.e_fraction, 1.0)
    exact = gradient(layer, tape, chosen, readout, np.array(levels)[:, None].astype(float)).weight
    unit = rule.psi_top * rule.x.bump / 2.0**rule.mark_shift / gain / 2.0**rule.update.rate_shift
    assert np.linalg.norm(changed - unit * exact) < 0.01 * np.linalg.norm(unit * exact)


def test_weights_stay_within_their_limits() -> None:
    trace = TraceWord(8, 200, 200, 8)
    net = forced(
        InhibitoryInteger(trace, 100, Update(0)), 2, 3, WeightWord(12, 11, 0, 900, -1), 450
    )
    rng = np.random.default_rng(5)
    rate = np.repeat([0.5, 0.0, 0.5], [40, 40, 40])[:, None]
    inputs = {
        "plastic": rng.random((120, 3)) < np.repeat([0.5, 0.9, 0.9], 40)[:, None],
        "fixed": rng.random((120, 2)) < rate,
    }
    seen = np.array([s.weight for s, _ in plastic_steps(net, inputs)])
    assert (seen.min(), seen.max()) == (0, 900)


@pytest.mark.parametrize(
    ("field", "make"),
    [
        ("trace.bump", lambda: TraceWord(4, 16, 3, 4)),
        ("trace.factor", lambda: TraceWord(4, 3, 16, 4)),
        ("rate_shift", lambda: Update(32)),
        ("weight.low", lambda: WeightWord(8, 2, 5, 5)),
        ("weight.high", lambda: WeightWord(8, 2, 0, 128)),
        ("alpha", lambda: InhibitoryInteger(TraceWord(4, 3, 3, 4), 16, Update(3))),
        ("eta", lambda: quantise_rule(InhibitoryRule(1e9, 0.02, 5.0, 1e9), DT, 1e-9)),
    ],
)
def test_bad_rules_are_refused(field: str, make: object) -> None:
    with pytest.raises(InvalidValue, match=field.replace(".", r"\.")):
        make()  # type: ignore[operator]


def test_bad_populations_are_refused() -> None:
    net = contract(Association(), 0)
    for field, change in (
        ("start", {"start": net.start + 40000}),
        ("start", {"start": net.start[:2]}),
        ("threshold", {"neurons": replace(net.neurons, threshold=None)}),
        ("sums", {"neurons": replace(net.neurons, acc_width=8)}),
        ("seed", {"seed": -1}),
    ):
        with pytest.raises(InvalidValue, match=field):
            replace(net, **change)
    wrong = {"plastic": np.zeros((5, 16)), "signal": np.zeros((5, 3))}
    with pytest.raises(InvalidValue, match=r"inputs\.signal"):
        next(plastic_steps(net, wrong))
    with pytest.raises(InvalidValue, match=r"inputs\.plastic"):
        next(plastic_steps(net, {"plastic": np.full((5, 16), 2), "signal": np.zeros((5, 4))}))

"""System 9: inhibitory plasticity brings rates to a target and inhibition to balance.

Four experiments with one rule (:mod:`..learning.inhibitory`). Independent trains: the mean drift
of a weight against its closed form. Single neurons under correlated excitation and inhibition on
eight channels: their rate comes to the target from below and from above, inhibition takes on
the excitation's profile over channels, and a step of excitation is followed. A recurrent
network: the mean rate of a few hundred neurons comes to the target.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from .. import discrete
from ..learning.inhibitory import InhibitoryRule, drift, start, step
from ..lif import Lif
from .parameter import quantity, validate
from .system import Check, Figure, Panel, Result, Series, System

__all__ = ["SYSTEM", "Parameters", "drift_sample", "network", "run", "single"]

Array = NDArray[np.float64]
CHANNELS = 8
SIGMAS = 4.0


@dataclass(frozen=True)
class Parameters:
    """Rule, neuron and stimulus; weights are in units of the threshold above rest."""

    target: float = quantity(
        8.0, "Hz", "Target rate.", source="5 Hz in Vogels et al. 2011", above=0.0, high=200.0
    )
    tau: float = quantity(
        20e-3, "s", "Time constant of both traces.", source="Vogels et al. 2011", above=0.0
    )
    eta: float = quantity(8e-3, "1", "Change of a weight by one coincidence.", above=0.0)
    tau_mem: float = quantity(20e-3, "s", "Membrane time constant.", above=0.0)
    tau_syn: float = quantity(5e-3, "s", "Synaptic time constant.", above=0.0)
    t_ref: float = quantity(5e-3, "s", "Refractory period.", low=0.0)
    cells: int = quantity(24, "1", "Single neurons simulated side by side.", low=2, high=1000)
    duration: float = quantity(15.0, "s", "Seconds of learning.", above=0.5, high=1000.0)
    excitatory: int = quantity(200, "1", "Excitatory neurons of the network.", low=8, high=5000)
    dt: float = quantity(1e-3, "s", "Time step.", above=0.0, high=5e-3)
    seed: int = quantity(0, "1", "Seed of everything random.", low=0)

    def __post_init__(self) -> None:
        validate(self)

    def rule(self) -> InhibitoryRule:
        """The plasticity rule."""
        return InhibitoryRule(self.eta, self.tau, self.target, w_max=5.0)

    def neurons(self, n: int) -> Lif:
        """Neurons whose input of 1 sustained for a membrane time constant reaches threshold."""
        return Lif(
            tau_mem=self.tau_mem, tau_syn=self.tau_syn, t_ref=self.t_ref,
            r=self.tau_mem / self.dt, n=n,
        )  # fmt: skip


def drift_sample(p: Parameters, nu_pre: float, nu_post: float) -> tuple[float, float]:
    """Mean drift of independent trains a second and its standard error, from 400 pairs."""
    rng = np.random.default_rng([p.seed, 90])
    rule = InhibitoryRule(p.eta, p.tau, p.target, w_max=1e9)
    pairs, steps, settle = 400, 4000, int(10 * p.tau / p.dt)
    traces = start(1, 1, (pairs,))
    weight = np.full((pairs, 1, 1), 1e6)
    for k in range(settle + steps):
        if k == settle:
            before = weight
        pre = (rng.random((pairs, 1)) < nu_pre * p.dt).astype(np.float64)
        post = (rng.random((pairs, 1)) < nu_post * p.dt).astype(np.float64)
        traces, weight = step(rule, traces, weight, pre, post, p.dt)
    change = (weight - before)[:, 0, 0] / (steps * p.dt)
    return float(change.mean()), float(change.std(ddof=1) / np.sqrt(pairs))


@dataclass(frozen=True, eq=False)
class Learned:
    """A run of single neurons: rate in windows of half a second, weights at marked times.

    ``rates`` has shape ``(windows, cells)``, ``inhibition`` ``(cells, channels)``,
    ``drift`` and ``drift_error`` are the mean change of a weight a second at the end.
    """

    times: Array
    rates: Array
    excitation: Array
    inhibition: Array
    drift: float
    drift_error: float


def single(p: Parameters, w_start: float, *, step_up: float = 1.0) -> Learned:
    """Single neurons learn for ``duration``; then excitation is scaled by ``step_up`` as long.

    Each channel has 10 excitatory lines and one inhibitory line whose rates fluctuate together.
    Channel ``c`` has its own excitatory weight, largest in the middle.
    """
    rng = np.random.default_rng([p.seed, 91])
    profile = 0.035 + 0.05 * np.exp(-((np.arange(CHANNELS) - 3.5) ** 2) / 5.0)
    weight = np.full((p.cells, 1, CHANNELS), w_start)
    lif, rule = p.neurons(1), p.rule()
    c = discrete.discretise(lif, p.dt)
    state = discrete.initial_state(lif, (p.cells,))
    traces = start(1, CHANNELS, (p.cells,))
    phases = 1 if step_up == 1.0 else 2
    steps = int(p.duration / p.dt)
    window = max(1, round(0.5 / p.dt))
    signal = np.zeros((p.cells, CHANNELS))
    spikes = np.zeros((phases * steps, p.cells))
    marks: list[Array] = []
    slow = np.exp(-p.dt / 50e-3)
    for k in range(phases * steps):
        signal = slow * signal + np.sqrt(1 - slow**2) * rng.normal(size=signal.shape)
        rate = np.clip(20.0 + 14.0 * signal, 0.0, None)
        exc = rng.poisson(10 * rate * p.dt)
        inh = (rng.random(rate.shape) < np.minimum(2.0 * rate * p.dt, 1.0)).astype(np.float64)
        gain = step_up if k >= steps else 1.0
        drive = gain * exc @ profile - np.einsum("bc,bpc->b", inh, weight)
        state, fired = discrete.step(lif, c, state, drive[:, None])
        post = fired.astype(np.float64)
        traces, weight = step(rule, traces, weight, inh, post, p.dt)
        spikes[k] = post[:, 0]
        if (k + 1) % window == 0:
            marks.append(weight[:, 0].copy())
    usable = len(marks) * window
    rates = spikes[:usable].reshape(-1, window, p.cells).sum(axis=1) / (window * p.dt)
    tail = max(2, len(marks) // 4)
    moved = (marks[-1] - marks[-tail]).mean(axis=1) / ((tail - 1) * window * p.dt)
    times = np.arange(1.0, len(marks) + 1) * window * p.dt
    return Learned(
        times, rates, profile, marks[-1], float(moved.mean()),
        float(moved.std(ddof=1) / np.sqrt(p.cells)),
    )  # fmt: skip


def network(p: Parameters) -> tuple[Array, Array]:
    """Mean excitatory rate of a recurrent network in windows of half a second, and each neuron's.

    A quarter as many inhibitory neurons; sparse fixed weights but for the plastic ones from
    inhibitory to excitatory neurons.
    """
    rng = np.random.default_rng([p.seed, 92])
    n_e, n_i = p.excitatory, max(2, p.excitatory // 4)
    n = n_e + n_i
    mask = rng.random((n, n)) < 0.1
    fixed = np.zeros((n, n))
    fixed[:, :n_e] = 0.06
    fixed[n_e:, n_e:] = -0.12
    fixed *= mask
    # Enough inhibitory synapses on every neuron for the rule to reach its target.
    there = rng.random((n_e, n_i)) < 0.4
    plastic = np.where(there, 0.05, 0.0)
    lif, rule = p.neurons(n), p.rule()
    c = discrete.discretise(lif, p.dt)
    state = discrete.initial_state(lif)
    traces = start(n_e, n_i)
    last = np.zeros(n)
    steps, window = int(p.duration / p.dt), max(1, round(0.5 / p.dt))
    external = np.where(np.arange(n) < n_e, 900.0, 600.0)
    count = np.zeros(n_e)
    rates: list[Array] = []
    for k in range(steps):
        drive = 0.06 * rng.poisson(external * p.dt) + fixed @ last
        drive[:n_e] -= plastic @ last[n_e:]
        state, fired = discrete.step(lif, c, state, drive)
        pre, post = last[n_e:], fired[:n_e].astype(np.float64)
        traces, moved = step(rule, traces, plastic, pre, post, p.dt)
        plastic = np.where(there, moved, 0.0)
        last = fired.astype(np.float64)
        count += post
        if (k + 1) % window == 0:
            rates.append(count / (window * p.dt))
            count = np.zeros(n_e)
    return np.arange(1.0, len(rates) + 1) * window * p.dt, np.array(rates)


def _settled(rates: Array) -> tuple[float, float]:
    """Mean rate of the last quarter of the windows, and its standard error over neurons."""
    tail = rates[-max(1, len(rates) // 4) :].mean(axis=0)
    return float(tail.mean()), float(tail.std(ddof=1) / np.sqrt(tail.size))


def run(p: Parameters) -> Result:
    """Drift, convergence from both sides, a step of excitation, balance, and the network."""
    low, high = single(p, 0.0), single(p, 0.5)
    stepped = single(p, 0.2, step_up=1.4)
    half = len(stepped.rates) // 2
    before, after = _settled(stepped.rates[:half]), _settled(stepped.rates[half:])
    jump = float(stepped.rates[half].mean()) / before[0] if before[0] > 0 else float("nan")
    times, net = network(p)
    rates = {"below": _settled(high.rates), "above": _settled(low.rates), "network": _settled(net)}
    both = float(np.hypot(rates["below"][1], rates["above"][1]))
    balance = float(np.corrcoef(low.inhibition.mean(axis=0), low.excitation)[0, 1])
    drifts = [(a, b, *drift_sample(p, a, b)) for a, b in ((20.0, 8.0), (20.0, 15.0), (30.0, 3.0))]
    near = "spikes and inhibition are not independent: the rate rests beside the target"
    checks = (
        *(
            Check.sigma(
                f"drift at {a:g} and {b:g} Hz", m, float(drift(p.rule(), a, b, p.dt)), e, SIGMAS,
                "1/s", "closed form for independent trains", "99.99 % of a normal error",
            )
            for a, b, m, e in drifts
        ),
        Check.sigma(
            "rate reached from below", rates["below"][0], rates["above"][0], both, SIGMAS, "Hz",
            "rate reached from above", "99.99 % of a normal error",
        ),
        Check.sigma(
            "drift at the end", low.drift, 0.0, low.drift_error, SIGMAS, "1/s", "no drift",
            "99.99 % of a normal error",
        ),
        *(
            Check.relative(f"rate, {k}", v[0], p.target, 0.15, "Hz", "target", near)
            for k, v in rates.items()
        ),
        Check.relative(
            "rate after a step of excitation", after[0], before[0], 0.15, "Hz",
            "rate before it", near,
        ),
        Check.absolute(
            "correlation of inhibition with excitation over channels", balance, 1.0, 0.2, "1",
            "detailed balance", "weights still move by the size of a coincidence",
        ),
    )  # fmt: skip
    return Result(
        "istdp",
        asdict(p),
        (
            Figure("rate from below", *_with_unit(rates["below"])),
            Figure("rate from above", *_with_unit(rates["above"])),
            Figure("rate of the network", *_with_unit(rates["network"])),
            Figure("jump by a step of excitation", jump, "1"),
            Figure("correlation of inhibition with excitation", balance, "1"),
        ),
        checks,
        _panels(p, low, high, stepped, (times, net)),
        (
            f"Spikes of inhibition and neuron are not independent: the rate rests "
            f"{rates['above'][0] / p.target - 1:+.1%} from the target.",
        ),
    )


def _with_unit(found: tuple[float, float]) -> tuple[float, str, float]:
    return found[0], "Hz", found[1]


def _panels(
    p: Parameters, low: Learned, high: Learned, stepped: Learned, net: tuple[Array, Array]
) -> tuple[Panel, ...]:
    def target(times: Array) -> Series:
        return Series("target", times[[0, -1]], np.full(2, p.target), "reference")

    channels = np.arange(CHANNELS).astype(np.float64)
    e, i = low.excitation, low.inhibition.mean(axis=0)
    return (
        Panel(
            "Convergence of single neurons", "time", "s", "rate", "Hz",
            (target(low.times),
             Series("from above: no inhibition at first", low.times, low.rates.mean(axis=1)),
             Series("from below: too much at first", high.times, high.rates.mean(axis=1))),
        ),
        Panel(
            "A step of excitation at half time", "time", "s", "rate", "Hz",
            (target(stepped.times), Series("mean", stepped.times, stepped.rates.mean(axis=1))),
        ),
        Panel(
            "Detailed balance", "channel", "", "weight, mean 1", "1",
            (Series("excitation", channels, e / e.mean(), "reference"),
             Series("inhibition, learned", channels, i / i.mean(), "model", "points")),
        ),
        Panel(
            "Recurrent network", "time", "s", "rate", "Hz",
            (target(net[0]), Series("excitatory neurons, mean", net[0], net[1].mean(axis=1))),
        ),
    )  # fmt: skip


SYSTEM = System(
    key="istdp",
    number=9,
    title="Inhibitory plasticity",
    question="Does the rule bring every neuron to its target, whatever its excitation?",
    equation="pre: w <- w + eta (y - alpha)    post: w <- w + eta x    alpha = 2 tau target",
    reference="closed form of the drift; the target rate from both sides; balance over channels",
    sources=("Vogels, Sprekeler, Zenke, Clopath & Gerstner, Science 334, 1569 (2011)",),
    stimulus="eight channels whose excitation and inhibition fluctuate together; Poisson trains",
    parameters=Parameters,
    run=run,
    bodies={
        "network": "traces and plastic weights as arrays, updated after each step",
        "rtl": "a plasticity unit with a trace for each neuron and line",
        "spice": "mixed signal: analog neurons, the rule in digital logic",
    },
)

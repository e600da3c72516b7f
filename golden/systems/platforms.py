"""System 11: one neuron and one input in the arithmetic of five neuromorphic platforms.

Each platform fires at its own rate for the same current; why is a matter of arithmetic that can
be stated. Where a platform has the exponential leak (Loihi, SpiNNaker, BrainScaleS) its potential
is held against the exact one within a bound made from its word widths. Where it leaks linearly
(TrueNorth, ODIN) its intervals are held against the closed form of that leak.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from .. import discrete, fi
from ..errors import require
from ..fixed import Ints
from ..lif import Lif
from ..platforms import brainscales, loihi, odin, spinnaker, truenorth
from ..platforms.profile import Profile
from .parameter import quantity, validate
from .system import Check, Figure, Panel, Result, Series, System

__all__ = ["SYSTEM", "Parameters", "constant_rate", "populations", "run"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Parameters:
    """A neuron, the currents it gets, and how analog circuits differ."""

    tau_mem: float = quantity(20e-3, "s", "Membrane time constant.", above=0.0)
    swing: float = quantity(15e-3, "V", "Threshold above rest and reset.", above=0.0, high=1.0)
    v_leak: float = quantity(-65e-3, "V", "Resting potential.", low=-1.0, high=1.0)
    dt: float = quantity(1e-3, "s", "Time step of all platforms.", above=0.0)
    points: int = quantity(13, "1", "Currents from 0 to four times the rheobase.", low=3, high=200)
    duration: float = quantity(1.0, "s", "Seconds of each current.", above=0.01, high=100.0)
    circuits: int = quantity(400, "1", "Analog circuits compared.", low=10, high=100_000)
    mismatch: float = quantity(
        0.2, "1", "Relative spread of analog time constants and gains.", low=0.0, high=1.0
    )
    seed: int = quantity(0, "1", "Seed of input and mismatch.", low=0)

    def __post_init__(self) -> None:
        validate(self)
        require(self.dt < self.tau_mem, "dt", self.dt, f"below tau_mem = {self.tau_mem:g} s")

    def neuron(self, n: int = 1) -> Lif:
        """The neuron; a resistance of 1 ohm, so that currents are in volts of steady state."""
        v = self.v_leak
        return Lif(tau_mem=self.tau_mem, v_leak=v, v_reset=v, v_th=v + self.swing, n=n)


Drive = Callable[[float], Ints]
"""Weights ``(spikes, 1)`` that a current in volts of steady state means for a platform."""


def populations(p: Parameters) -> dict[str, tuple[Profile, Drive]]:
    """One neuron of each platform, and how it gets a current."""
    lif = p.neuron()
    chip, _, amperes = loihi.from_lif(lif, p.dt)
    slope = p.swing * -np.expm1(-p.dt / p.tau_mem)

    def one(value: float) -> Ints:
        return np.array([[round(value)]])

    # Linear leaks take per step what the exponential takes at the threshold.
    alpha = 4096
    north = truenorth.TrueNorthPopulation(
        1, alpha, leak=-round(alpha * slope / p.swing), leak_reversal=True
    )
    tiny = odin.OdinPopulation(1, 1024, round(min(1024 * slope / p.swing, 127)), tiny=True)
    analog = brainscales.BrainscalesPopulation(
        lif, p.dt, p.swing / 16, brainscales.Spread(p.mismatch, 0.1, p.mismatch), chip=p.seed
    )
    return {
        "Loihi": (chip, lambda i: one(i / float(amperes[0]))),
        "SpiNNaker": (
            spinnaker.SpinnakerPopulation(lif, p.dt),
            lambda i: spinnaker.s1615(np.array([[1e3 * i]])),
        ),
        "TrueNorth": (north, lambda i: one(alpha * i / p.swing * slope / p.swing)),
        "tinyODIN": (tiny, lambda i: _events(1024 * i / p.swing * slope / p.swing)),
        "BrainScaleS": (analog, lambda i: one(16 * i / p.swing)),
    }


def _events(value: float) -> Ints:
    """A sum of events of at most 7, as tinyODIN's synapses hold."""
    whole, rest = divmod(round(value), 7)
    return np.array([[7]] * whole + ([[rest]] if rest else []), dtype=np.int64).reshape(-1, 1)


def constant_rate(profile: Profile, arrived: Ints, p: Parameters) -> float:
    """Rate in hertz under the same input in every step, from first to last spike."""
    state = profile.start()
    times, counts = [], []
    for k in range(round(p.duration / p.dt)):
        state, fired = profile.advance(state, arrived)
        if fired[0]:
            times.append(k)
            counts.append(int(fired[0]))
    if len(times) < 2:
        return 0.0
    return float(sum(counts[1:]) / ((times[-1] - times[0]) * p.dt))


def _potential_error(p: Parameters, name: str) -> tuple[float, float]:
    """Largest distance from the exact potential under random currents, and its bound; volts."""
    rng = np.random.default_rng([p.seed, 11])
    x = 0.9 * p.swing * rng.random(400)
    lif = p.neuron()
    c = discrete.discretise(lif, p.dt)
    exact_state = discrete.initial_state(lif)
    profile, drive = populations(p)[name]
    state = profile.start()
    worst = 0.0
    chip, volts, amperes = loihi.from_lif(lif, p.dt)
    unit = volts if name == "Loihi" else 2.0**-spinnaker.FRACTION / 1e3
    rest = p.v_leak if name == "Loihi" else 0.0
    for current in x:
        arrived = drive(float(current))
        if name == "Loihi":
            # The same rounded current for both: its rounding is not the potential's.
            current = float(arrived[0, 0] * amperes[0])
        exact_state, _ = discrete.step(lif, c, exact_state, np.array([current]))
        state, _ = profile.advance(state, arrived)
        got = rest + float(profile.potential(state)[0]) * unit
        worst = max(worst, abs(got - float(exact_state.v[0])))
    if name == "SpiNNaker":
        return worst, float(spinnaker.error_bound(lif, p.dt)[0])
    keep = float(np.exp(-p.dt / p.tau_mem))
    wrong = abs(float(chip.decay_v[0]) / loihi.DECAY_ONE - (1 - keep)) * p.swing
    return worst, (volts + wrong) / (1 - keep)


def _linear_intervals(p: Parameters) -> int:
    """How many intervals of TrueNorth and tinyODIN differ from the closed form of their leak."""
    wrong = 0
    for alpha, leak, weight in ((4096, 37, 200), (1000, 0, 7), (999, 3, 5), (512, 100, 101)):
        north = truenorth.TrueNorthPopulation(1, alpha, leak=-leak, leak_reversal=True)
        wanted = -(-alpha // (weight - leak))
        wrong += _interval(north, weight) != wanted
    for theta, leak, weight in ((100, 1, 3), (2047, 6, 7), (50, 0, 7), (7, 5, 6)):
        tiny = odin.OdinPopulation(1, theta, leak, tiny=True)
        wanted = max(1, -(-(theta - leak) // (weight - leak)))
        wrong += _interval(tiny, weight) != wanted
    return wrong


def _interval(profile: Profile, weight: int) -> int:
    """Steps to the first spike, the potential starting from 0."""
    state, arrived = profile.start(), np.array([[weight]])
    for k in range(1, 10_000):
        state, fired = profile.advance(state, arrived)
        if fired[0]:
            return k
    return -1


def _tau_spread(p: Parameters, calibrated: bool) -> float:
    chip = brainscales.BrainscalesPopulation(
        p.neuron(p.circuits), p.dt, 1.0, brainscales.Spread(p.mismatch, 0.0, 0.0),
        chip=p.seed, calibrated=calibrated,
    )  # fmt: skip
    return float(np.log(chip.circuit.tau_mem / p.tau_mem).std(ddof=1))


def run(p: Parameters) -> Result:
    """F-I curves of all platforms, potentials within bounds, leaks against closed forms."""
    currents = p.swing * np.linspace(0.0, 4.0, p.points)
    closed = fi.rate(p.neuron(), currents)
    rates = {
        name: np.array([constant_rate(profile, drive(float(i)), p) for i in currents])
        for name, (profile, drive) in populations(p).items()
    }
    errors = {name: _potential_error(p, name) for name in ("Loihi", "SpiNNaker")}
    wrong = _linear_intervals(p)
    before, after = _tau_spread(p, False), _tau_spread(p, True)
    at = -1
    figures = [
        Figure(f"{name}: rate at four times the rheobase", float(r[at]), "Hz")
        for name, r in rates.items()
    ]
    checks = [
        Check(
            f"{name}: error of the potential over its bound", e / bound, 1.0, e / bound, 1.0,
            "absolute", "1", "float model", "bound from the word widths, see the profile",
        )
        for name, (e, bound) in errors.items()
    ]  # fmt: skip
    checks += [
        Check.absolute(
            "TrueNorth and tinyODIN: wrong intervals", float(wrong), 0.0, 0.0, "1",
            "closed form of the linear leak", "integers",
        ),
        Check.sigma(
            "BrainScaleS: spread of time constants", before, p.mismatch,
            max(p.mismatch, 1e-12) / np.sqrt(2 * p.circuits - 2), 4.0, "1", "what was asked for",
            "99.99 % of a normal error",
        ),
        Check.absolute(
            "BrainScaleS: spread after calibration", after, 0.0, 0.01, "1", "no spread",
            "half a step of a 10-bit word that spans four times the value is 0.2 %",
        ),
    ]  # fmt: skip
    return Result(
        "platforms",
        asdict(p),
        (Figure("exact rate at four times the rheobase", float(closed[at]), "Hz"), *figures),
        tuple(checks),
        _panels(p, currents, closed, rates),
        (
            "TrueNorth and ODIN leak by a constant; it is set to what the exponential takes at "
            "the threshold, so that the rheobase is the same and the curve is not.",
            "All platforms fire at most once a step here, at its end.",
        ),
    )


def _panels(
    p: Parameters, currents: Array, closed: Array, rates: dict[str, Array]
) -> tuple[Panel, ...]:
    over = currents / p.swing
    rng = np.random.default_rng([p.seed, 21])
    x = 2.6 * p.swing * rng.random(round(0.2 / p.dt))
    rows: list[Series] = []
    for row, (name, (profile, drive)) in enumerate(populations(p).items()):
        state, times = profile.start(), []
        for k, i in enumerate(x):
            state, fired = profile.advance(state, drive(float(i)))
            times += [(k + 1) * p.dt] * int(fired[0])
        rows.append(Series(name, np.array(times), np.full(len(times), row + 1.0), "model",
                           "spikes"))  # fmt: skip
    lif = p.neuron()
    c, exact, times = discrete.discretise(lif, p.dt), discrete.initial_state(lif), []
    for k, i in enumerate(x):
        exact, spiked = discrete.step(lif, c, exact, np.array([i]))
        times += [(k + 1) * p.dt] * int(spiked[0])
    rows.insert(0, Series("float", np.array(times), np.zeros(len(times)), "reference", "spikes"))
    return (
        Panel(
            "One neuron on five platforms", "current over rheobase", "1", "rate", "Hz",
            (Series("exact", over, closed, "reference"),
             *(Series(name, over, r) for name, r in rates.items())),
        ),
        Panel("The same random input", "time", "s", "platform", "", tuple(rows)),
    )  # fmt: skip


SYSTEM = System(
    key="platforms",
    number=11,
    title="Arithmetic of the platforms",
    question="What does each platform's arithmetic make of the same neuron and input?",
    equation="Loihi: v' = trunc(v (4096 - d) / 4096) + u\nSpiNNaker: v' = a - e (a - v) in s16.15",
    reference="exact potential within word-width bounds; closed forms of linear leaks; emulator",
    sources=(
        "Davies et al., IEEE Micro 38(1), 82 (2018) (Loihi)",
        "nengo-loihi 1.1, emulator (order of operations and rounding)",
        "Cassidy et al., IJCNN 2013; Merolla et al., Science 345, 668 (2014) (TrueNorth)",
        "Furber et al., Proc. IEEE 102, 652 (2014); Hopkins & Furber, Neural Computation 27, "
        "2148 (2015) (SpiNNaker)",
        "Frenkel et al., IEEE Trans. Biomed. Circuits Syst. 13(1), 145 (2019) (ODIN)",
        "Pehle et al., Frontiers in Neuroscience 16, 795876 (2022) (BrainScaleS-2)",
    ),
    stimulus="constant currents up to four times the rheobase, and one random current",
    parameters=Parameters,
    run=run,
    bodies={
        "network": "the same interface: data, a start, and one step at a time",
        "rtl": "profile cores for the integer platforms",
        "spice": "the accelerated analog neuron, 1000 times faster, with mismatch",
    },
)

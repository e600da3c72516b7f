r"""A balanced network: excitatory and inhibitory LIF neurons that hold each other below threshold.

Every neuron has the same number of excitatory, inhibitory and driving sources, so that all share
one mean rate ``f``. In a step of ``dt`` a source of rate ``f`` spikes with probability ``f dt``,
and the free membrane ``v' = a v + sum of jumps`` has::

    mu      = v_leak + (sum over sources c j f dt) / (1 - a)
    sigma^2 = 2 (sum over sources c j^2 f dt (1 - f dt)) / (1 - a^2)

with ``c`` sources whose spike moves the membrane by ``j`` volts. The rate is the one at which the
clocked neuron (:mod:`.noise.clocked`) under this noise fires at ``f``. Source: Brunel, J. Comput.
Neurosci. 8, 183 (2000), sections 2 and 3, in which time is continuous. The theory neglects that
neurons share sources, whose common noise inhibition answers late: networks of few neurons fire
below it, the more so the longer the delay; and that jumps are not small.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq

from .discrete import discretise
from .errors import require
from .lif import Lif
from .network import Connection, Network
from .noise.clocked import Clocked, clocked
from .noise.membrane import NoisyMembrane
from .wiring import fixed_in_degree

__all__ = ["CV_BAND", "RATE_TOLERANCE", "Balanced", "Firing", "firing"]

Array = NDArray[np.float64]
RATE_TOLERANCE = 0.12
"""Relative distance of a measured rate from the mean field's that the default circuit keeps."""
CV_BAND = (0.8, 1.2)
"""Mean coefficient of variation that counts as irregular; a Poisson process has 1."""
LEAST_INTERVALS = 5


class Firing(NamedTuple):
    """Mean rate in hertz, and mean coefficient of variation over the neurons that have one."""

    rate: float
    cv: float


@dataclass(frozen=True)
class Balanced:
    """The circuit as numbers; SI.

    Parameters
    ----------
    excitatory, inhibitory, lines
        Neurons of both populations, and lines of the input ``drive``.
    from_exc, from_inh, from_drive
        Sources of each neuron.
    jump
        Volts by which an excitatory spike, and one of the drive, moves the membrane.
    inhibition
        How many times stronger an inhibitory spike is.
    drive
        Mean potential that the drive alone would give, from rest, in units of the threshold's
        height.
    delay
        Seconds from a neuron's spike to its arrival, whole steps, at least one.
    """

    excitatory: int = 160
    inhibitory: int = 40
    lines: int = 160
    from_exc: int = 40
    from_inh: int = 10
    from_drive: int = 40
    jump: float = 1.45e-3  # no whole number of jumps is the threshold, where rounding would decide
    inhibition: float = 6.0
    drive: float = 1.5
    delay: float = 1e-3
    tau_mem: float = 20e-3
    r: float = 40e6
    v_leak: float = -65e-3
    v_th: float = -50e-3
    t_ref: float = 2e-3
    dt: float = 0.5e-3
    seed: int = 0

    def __post_init__(self) -> None:
        pools = {"from_exc": self.excitatory, "from_inh": self.inhibitory}
        for name, size in pools.items():
            value = getattr(self, name)
            require(1 <= value < size, name, value, f"1 to {size - 1}, fewer than neurons")
        good = 1 <= self.from_drive <= self.lines
        require(good, "from_drive", self.from_drive, f"1 to {self.lines}, the lines of the drive")
        for name in ("jump", "inhibition", "drive"):
            require(0 < getattr(self, name) < np.inf, name, getattr(self, name), "above 0")
        require(self.seed >= 0, "seed", self.seed, "0 or greater")
        discretise(self.neurons(1), self.dt)
        steps = self.delay / self.dt
        whole = abs(steps - round(steps)) < 1e-6 and steps >= 1 - 1e-6
        require(whole, "delay", self.delay, f"one or more whole steps of {self.dt:g} s")
        p = self.probability
        require(p <= 1, "drive", self.drive, f"below {self.drive / p:g}: a line spikes once a step")

    def neurons(self, n: int) -> Lif:
        """``n`` of the circuit's neurons; excitatory and inhibitory ones are alike."""
        return Lif(
            tau_mem=self.tau_mem,
            r=self.r,
            v_leak=self.v_leak,
            v_th=self.v_th,
            v_reset=self.v_leak,
            t_ref=self.t_ref,
            n=n,
        )

    @property
    def probability(self) -> float:
        """That a line of the drive spikes in a step."""
        wanted = self.drive * (self.v_th - self.v_leak)
        fall = -float(np.expm1(-self.dt / self.tau_mem))
        return wanted * fall / (self.from_drive * self.jump)

    def network(self) -> Network:
        """Populations ``exc`` and ``inh``, input ``drive``; wired from the seed."""
        sizes = {"drive": self.lines, "exc": self.excitatory, "inh": self.inhibitory}
        jumps = {"drive": self.jump, "exc": self.jump, "inh": -self.inhibition * self.jump}
        sources = {"drive": self.from_drive, "exc": self.from_exc, "inh": self.from_inh}
        rng = np.random.default_rng([self.seed, 17])
        ampere = 1.0 / float(discretise(self.neurons(1), self.dt).g_x[0])
        late = round(self.delay / self.dt)
        connections = []
        for post in ("exc", "inh"):
            for pre in sizes:
                mask = fixed_in_degree(
                    sizes[post], sizes[pre], sources[pre], rng, loops=pre != post
                )
                weight = np.where(mask, jumps[pre] * ampere, 0.0)
                connections.append(Connection(pre, post, weight, 0 if pre == "drive" else late))
        populations = {name: self.neurons(sizes[name]) for name in ("exc", "inh")}
        return Network(
            self.dt, {"drive": self.lines}, populations, tuple(connections), ("exc", "inh")
        )

    def stimulus(self, steps: int, seed: int = 0) -> dict[str, NDArray[np.uint8]]:
        """Independent spikes of the drive, ``(steps, lines)``."""
        require(steps >= 1, "steps", steps, "at least 1")
        rng = np.random.default_rng([seed, 18])
        return {"drive": (rng.random((steps, self.lines)) < self.probability).astype(np.uint8)}

    def free_membrane(self, rate: float) -> NoisyMembrane:
        """The noise that a neuron sees while all neurons fire at ``rate`` hertz."""
        sources = (
            (self.from_drive, self.jump, self.probability),
            (self.from_exc, self.jump, rate * self.dt),
            (self.from_inh, -self.inhibition * self.jump, rate * self.dt),
        )
        mean = sum(c * j * p for c, j, p in sources)
        variance = sum(c * j**2 * p * (1.0 - p) for c, j, p in sources)
        h = self.dt / self.tau_mem
        return NoisyMembrane(
            self.tau_mem,
            self.v_leak - mean / float(np.expm1(-h)),
            float(np.sqrt(-2.0 * variance / np.expm1(-2.0 * h))),
            self.v_th,
            self.v_leak,
            self.t_ref,
        )

    def mean_field(self) -> Clocked:
        """The self-consistent rate, and the interval's spread at it.

        Raises
        ------
        InvalidValue
            If no rate below one spike in four refractory periods sustains itself: inhibition
            does not hold excitation.
        """
        top = 0.25 / max(self.t_ref, self.dt)

        def excess(rate: float) -> float:
            return clocked(self.free_membrane(rate), self.dt).rate - rate

        low = 1e-3
        held = excess(low) > 0 > excess(top)
        require(held, "inhibition", self.inhibition, "enough to hold a rate with this drive")
        rate = float(brentq(excess, low, top, xtol=1e-6))
        return clocked(self.free_membrane(rate), self.dt)


def firing(spikes: ArrayLike, dt: float) -> Firing:
    """Rate and irregularity of spikes ``(steps, n)``.

    The coefficient of variation is that of neurons with five intervals or more, ``nan`` if there
    are none.
    """
    fired = np.asarray(spikes, dtype=np.bool_)
    require(fired.ndim == 2 and fired.size > 0, "spikes", list(fired.shape), "shape (steps, n)")
    found = []
    for train in fired.T:
        intervals = np.diff(np.flatnonzero(train))
        if intervals.size >= LEAST_INTERVALS:
            found.append(float(intervals.std(ddof=1) / intervals.mean()))
    return Firing(float(fired.mean() / dt), float(np.mean(found)) if found else float("nan"))

r"""A thalamic relay of current-based LIF neurons: cortical pulses in, pallidal inhibition on top.

A cortical pulse alone lifts every relay neuron over threshold, once. Each neuron's pallidal
afferents inhibit it through the same synapse. Their mean current lowers the membrane by::

    r w_in w p afferents,    p = rate dt

``w`` the weight of a spike: a pulse passes as long as its peak minus this still reaches the
threshold. The peak is that of :func:`.synapse.psp`. Below this *critical rate* relays are
reliable, above it they fail; the irregular part of the inhibition makes the fall gradual. Source
of the picture: Rubin & Terman, J. Comput. Neurosci. 16, 211 (2004);
the conductance-based cell with its T current is :mod:`.relay`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .discrete import discretise
from .errors import require
from .lif import Lif
from .network import Connection, Network
from .pallidum import Pattern, afferent_spikes
from .synapse import peak_time, psp

__all__ = ["RELIABILITY_TOLERANCE", "WINDOW", "RelayCircuit", "reliability"]

WINDOW = 15e-3
"""Seconds after a pulse within which a spike answers it."""
RELIABILITY_TOLERANCE = 0.1
"""Distance from 0 or 1 that irregular inhibition may cost."""
FIRST = 0.1


@dataclass(frozen=True)
class RelayCircuit:
    """The circuit as numbers; SI.

    Parameters
    ----------
    neurons, cortical, afferents
        Relay neurons; cortical lines, which reach all of them; pallidal afferents of each
        neuron, which nobody shares.
    pulse
        Volts above rest that a cortical pulse, all lines at once, would reach at its peak.
    critical
        Pallidal rate in hertz at which the mean inhibition takes from the peak all that exceeds
        the threshold.
    period
        Seconds from pulse to pulse.
    """

    neurons: int = 8
    cortical: int = 4
    afferents: int = 8
    pulse: float = 20e-3
    critical: float = 60.0
    period: float = 100e-3
    tau_mem: float = 10e-3
    tau_syn: float = 5e-3
    r: float = 100e6
    v_leak: float = -65e-3
    v_th: float = -50e-3
    t_ref: float = 5e-3
    dt: float = 0.5e-3

    def __post_init__(self) -> None:
        for name in ("neurons", "cortical", "afferents"):
            require(getattr(self, name) >= 1, name, getattr(self, name), "at least 1")
        height = self.v_th - self.v_leak
        require(self.pulse > height, "pulse", self.pulse, f"above the threshold's {height:g} V")
        good = 0 < self.critical * self.dt < 1
        require(good, "critical", self.critical, f"above 0 and below {1 / self.dt:g} Hz")
        least = 2 * WINDOW
        require(self.period >= least, "period", self.period, f"at least {least:g} s")
        discretise(self.cells(), self.dt)

    def cells(self) -> Lif:
        """The relay neurons."""
        return Lif(
            tau_mem=self.tau_mem,
            tau_syn=self.tau_syn,
            r=self.r,
            v_leak=self.v_leak,
            v_th=self.v_th,
            v_reset=self.v_leak,
            t_ref=self.t_ref,
            n=self.neurons,
        )

    def peak(self) -> float:
        """Volts at the peak of the response to a spike of one ampere, held over a step."""
        cell = self.cells().neuron(0)
        return float(psp(cell, peak_time(self.tau_mem, self.tau_syn), self.dt))

    def network(self) -> Network:
        """Population ``relay``, inputs ``cortex`` and ``pallidum``."""
        cells = self.cells()
        excite = self.pulse / (self.peak() * self.cortical)
        surplus = self.pulse - (self.v_th - self.v_leak)
        spikes = self.critical * self.dt * self.afferents
        inhibit = surplus / (self.r * float(cells.w_in[0]) * spikes)
        own = np.kron(np.eye(self.neurons), np.ones((1, self.afferents)))
        connections = (
            Connection("cortex", "relay", np.full((self.neurons, self.cortical), excite)),
            Connection("pallidum", "relay", -inhibit * own),
        )
        inputs = {"cortex": self.cortical, "pallidum": self.neurons * self.afferents}
        return Network(self.dt, inputs, {"relay": cells}, connections, ("relay",))

    def pulses(self, duration: float) -> NDArray[np.int64]:
        """The steps at which the cortex fires."""
        starts = np.arange(FIRST, duration - WINDOW, self.period)
        require(starts.size > 0, "duration", duration, f"above {FIRST + WINDOW:g} s")
        return np.asarray(np.rint(starts / self.dt), dtype=np.int64)

    def stimulus(
        self, rate: float, duration: float, seed: int = 0, pattern: Pattern = Pattern.IRREGULAR
    ) -> dict[str, NDArray[np.uint8]]:
        """Pulses of the cortex and spikes of every pallidal afferent at ``rate`` hertz.

        Two spikes of one afferent in a step are one.
        """
        cortex = np.zeros((int(np.ceil(duration / self.dt)), self.cortical), dtype=np.uint8)
        cortex[self.pulses(duration)] = 1
        lines = [
            afferent_spikes(pattern, rate, 1, duration, self.dt, seed * 10_000 + k) > 0
            for k in range(self.neurons * self.afferents)
        ]
        return {"cortex": cortex, "pallidum": np.stack(lines, axis=1).astype(np.uint8)}

    def expected_reliability(self, rate: float) -> float | None:
        """1 up to half the critical rate, 0 from twice on; ``None`` between, where the irregular
        part of the inhibition decides."""
        if rate <= self.critical / 2:
            return 1.0
        return 0.0 if rate >= 2 * self.critical else None


def reliability(spikes: ArrayLike, pulses: ArrayLike, dt: float) -> float:
    """Share of pulses, over all neurons, that a spike answers within :data:`WINDOW`.

    ``spikes`` is ``(steps, n)``, ``pulses`` holds their steps.
    """
    fired = np.asarray(spikes, dtype=np.bool_)
    window = round(WINDOW / dt)
    answers = [fired[k : k + window].any(axis=0) for k in np.asarray(pulses)]
    require(len(answers) > 0, "pulses", 0, "at least one")
    return float(np.mean(answers))

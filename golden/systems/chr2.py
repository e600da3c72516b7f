"""System 3: a neuron with channelrhodopsin-2 under flashes and trains of light.

The photocurrent peaks and sags to a plateau, in three and in four states; after a dark pause
part of the peak is back. On a neuron this decides how many light pulses a spike answers, and
how the rate falls through a long flash.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from .. import conductance, markov
from ..chr2 import FourState, Kinetics, ThreeState, peak, photon_flux, recovery
from ..errors import require
from ..lif import Lif
from ..photoneuron import Fidelity, PhotoNeuron, fidelity, pulse_train, simulate
from . import chr2_reference as reference
from .parameter import quantity, validate
from .system import Figure, Panel, Result, Series, System

__all__ = ["SYSTEM", "Parameters", "run"]

Array = NDArray[np.float64]
NAGEL = "Nagel et al., PNAS 100, 13940 (2003)"
NIKOLIC = "Nikolic et al., Photochem. Photobiol. 85, 400 (2009)"
EVANS = "Evans et al., Front. Neuroinform. 10, 8 (2016)"


@dataclass(frozen=True)
class Parameters:
    """Membrane, channel and light."""

    tau_mem: float = quantity(15e-3, "s", "Membrane time constant.", above=0.0)
    r: float = quantity(150e6, "ohm", "Membrane resistance.", above=0.0)
    v_leak: float = quantity(-70e-3, "V", "Resting potential.")
    v_th: float = quantity(-50e-3, "V", "Threshold.")
    v_reset: float = quantity(-65e-3, "V", "Reset potential.")
    t_ref: float = quantity(3e-3, "s", "Refractory period.", above=0.0)
    g_max: float = quantity(30e-9, "S", "Conductance with all channels open.", low=0.0)
    e_chr2: float = quantity(0.0, "V", "Reversal potential.", source=f"near that of {NAGEL}")
    kinetics: str = quantity(
        "four", "", "Photocycle of the neuron's channels.", choices=("three", "four")
    )
    closing_3: float = quantity(104.0, "1/s", "O to D, three states.", source=EVANS, above=0.0)
    recovery_3: float = quantity(
        0.2, "1/s", "D to C in the dark, three states.", source=EVANS, above=0.0
    )
    closing_4: float = quantity(105.0, "1/s", "O1 to C1, four states.", source=EVANS, above=0.0)
    recovery_4: float = quantity(0.33, "1/s", "C2 to C1, four states.", source=EVANS, above=0.0)
    gamma: float = quantity(
        0.00742, "1", "Conductance of O2 against O1.", source=EVANS, low=0.0, high=1.0
    )
    irradiance: float = quantity(5e3, "W/m^2", "Light (1e3 W/m^2 is 1 mW/mm^2).", above=0.0)
    wavelength: float = quantity(470e-9, "m", "Of the light.", source=NAGEL, above=0.0)
    pulse: float = quantity(2e-3, "s", "Length of a pulse of a train.", above=0.0)
    frequency: float = quantity(20.0, "Hz", "Pulses a second of the train.", above=0.0)
    train: float = quantity(1.0, "s", "Length of a train.", above=0.0, high=20.0)
    flash: float = quantity(1.0, "s", "Length of the long flash.", above=0.0, high=20.0)
    points: int = quantity(14, "1", "Points of a curve.", low=3, high=200)
    dt: float = quantity(2e-4, "s", "Step of light and channel.", above=0.0, high=1e-2)

    def __post_init__(self) -> None:
        validate(self)
        require(self.v_th > self.v_leak, "v_th", self.v_th, f"above v_leak = {self.v_leak:g} V")
        require(self.v_reset < self.v_th, "v_reset", self.v_reset, f"below {self.v_th:g} V")
        require(self.e_chr2 > self.v_th, "e_chr2", self.e_chr2, f"above {self.v_th:g} V")
        pulse_train(self.frequency, self.pulse, self.train, self.dt)

    @property
    def flux(self) -> float:
        """Photons a square metre and second."""
        return float(photon_flux(self.irradiance, self.wavelength))

    def photocycle(self, name: str) -> Kinetics:
        """``three`` or ``four`` states."""
        if name == "three":
            return ThreeState(d=self.closing_3, r0=self.recovery_3)
        return FourState(d1=self.closing_4, r=self.recovery_4, gamma=self.gamma)

    def neuron(self, name: str, n: int = 1) -> PhotoNeuron:
        """``n`` neurons with that photocycle."""
        lif = Lif(
            tau_mem=self.tau_mem,
            r=self.r,
            v_leak=self.v_leak,
            v_th=self.v_th,
            v_reset=self.v_reset,
            t_ref=self.t_ref,
            n=n,
        )
        return PhotoNeuron(lif, self.photocycle(name), self.g_max, self.e_chr2)


def answers(p: Parameters, name: str, frequencies: Array) -> list[Fidelity]:
    """How each train is answered."""
    many = [pulse_train(float(f), p.pulse, p.train, p.dt) for f in frequencies]
    light = np.stack([t.light for t in many], axis=1)
    spikes = simulate(p.neuron(name, len(many)), np.array([0.0, p.flux]), light, p.dt)
    return [fidelity(spikes.of(j), t.onsets, t.window) for j, t in enumerate(many)]


def flash_times(p: Parameters, dt: float) -> Array:
    """Spike times through the long flash, which begins at once."""
    light = np.ones((round(p.flash / dt), 1), dtype=np.int64)
    return simulate(p.neuron(p.kinetics), np.array([0.0, p.flux]), light, dt).of(0)


def run(p: Parameters) -> Result:
    """Photocurrent, recovery, trains and the long flash."""
    cycle = p.photocycle(p.kinetics)
    top, plateau = peak(cycle, p.flux), cycle.plateau(p.flux)
    slow, fast = max(5.0, 1.5 / p.train), 0.5 / p.pulse
    frequencies = np.unique([*np.geomspace(slow, max(fast, slow), p.points), p.frequency])
    frequencies = frequencies[frequencies <= 1.0 / p.pulse]
    curves = {name: answers(p, name, frequencies) for name in ("three", "four")}
    here = curves[p.kinetics][int(np.searchsorted(frequencies, p.frequency))]
    times, fine = flash_times(p, p.dt), flash_times(p, p.dt / 2)
    rates = 1.0 / np.diff(times) if times.size > 2 else np.zeros(2)
    bent = reference.spike_times(p, np.zeros(1), p.flash, linear=False)
    neuron = p.neuron(p.kinetics)
    settled = float(
        conductance.rate(neuron.lif, conductance.load((p.g_max * plateau, p.e_chr2)))[0]
    )
    pauses = np.geomspace(0.02, 30.0, p.points)
    back = {n: recovery(p.photocycle(n), p.flux, 0.5, pauses) for n in ("three", "four")}
    half = _half_recovery(cycle, p.flux)
    return Result(
        "chr2",
        asdict(p),
        (
            Figure("pulses answered", here.answered, "1"),
            Figure("spikes a pulse", here.spikes, "1"),
            Figure("spikes in the long flash", float(times.size), "1"),
            Figure("first rate in the flash", float(rates[0]), "Hz"),
            Figure("last rate in the flash", float(rates[-1]), "Hz"),
            Figure("peak to plateau", top.value / plateau, "1"),
            Figure("time of the peak", top.time, "s"),
            Figure("pause of half recovery", half, "s"),
        ),
        reference.checks(p, (times, fine), rates, settled),
        _panels(p, frequencies, curves, times, settled, (pauses, back)),
        (
            f"The current is linear in the potential: with inward rectification the flash fires"
            f" {bent.size} spikes instead of {times.size}.",
            f"Onsets and lengths of light are rounded to steps of {p.dt:g} s.",
        ),
    )


def _half_recovery(kinetics: Kinetics, flux: float) -> float:
    """The dark pause that brings back half of what desensitisation took from the peak."""
    low = float(recovery(kinetics, flux, 0.5, np.array([0.0]))[0])
    if low >= 1.0 - 1e-9:
        return 0.0

    def missing(pause: float) -> float:
        return float(recovery(kinetics, flux, 0.5, np.array([pause]))[0]) - (1.0 + low) / 2

    return float(brentq(missing, 0.0, 1e3, xtol=1e-6))


def _panels(
    p: Parameters,
    frequencies: Array,
    curves: dict[str, list[Fidelity]],
    times: Array,
    settled: float,
    back: tuple[Array, dict[str, Array]],
) -> tuple[Panel, ...]:
    t = np.linspace(0.0, 0.3, 601)
    open_at, lines = {}, []
    for name in ("three", "four"):
        cycle = p.photocycle(name)
        lit = markov.relax(cycle.generator(p.flux), cycle.dark, np.minimum(t, 0.2))
        dark = cycle.generator(0.0)
        rows = [markov.relax(dark, row, max(s - 0.2, 0.0)) for row, s in zip(lit, t, strict=True)]
        open_at[name] = np.array(rows) @ cycle.weights
        lines.append(cycle.plateau(p.flux))
    pauses, ratio = back
    some = pauses[:: max(1, len(pauses) // 5)]
    rates = 1.0 / np.diff(times) if times.size > 1 else np.zeros(0)
    middle = (times[1:] + times[:-1]) / 2 if times.size > 1 else np.zeros(0)
    return (
        Panel("Open fraction in a pulse of 0.2 s", "time", "s", "open fraction", "1", (
            *(Series(f"{n} states", t, open_at[n]) for n in ("three", "four")),
            *(Series("", np.array([0.0, 0.2]), np.full(2, v), "context") for v in lines),
        )),
        Panel("Peak after a dark pause", "pause", "s", "peak against the first", "1", (
            *(Series(f"{n} states", pauses, ratio[n]) for n in ("three", "four")),
            Series("solver, four states", some, reference.recovered(p, "four", some),
                   "reference", "points"),
        ), x_log=True),
        Panel("Pulses answered by a spike", "frequency", "Hz", "share", "1", tuple(
            Series(f"{n} states", frequencies, np.array([f.answered for f in curves[n]]))
            for n in ("three", "four")
        )),
        Panel("Rate through the long flash", "time", "s", "rate", "Hz", (
            Series(f"{p.kinetics} states", middle, rates, "model", "points"),
            Series("closed form at the plateau", np.array([0.0, p.flash]), np.full(2, settled),
                   "reference"),
        )),
    )  # fmt: skip


SYSTEM = System(
    key="chr2",
    number=3,
    title="Channelrhodopsin-2",
    question="How many light pulses does a spike answer, and what does desensitisation take?",
    equation=(
        "three states: dO/dt = a C - d O,  dD/dt = d O - r D,  C = 1 - O - D\n"
        "four states: dO1/dt = a1 C1 - (d1 + f) O1 + b O2,  dO2/dt = a2 C2 - (d2 + b) O2 + f O1,\n"
        "             dC2/dt = d2 O2 - (a2 + r) C2,  C1 = 1 - O1 - O2 - C2\n"
        "g = g_max O  or  g_max (O1 + gamma O2)\n"
        "plateau of three states: a r / (a d + a r + d r)\n"
        "tau_mem dv/dt = v_leak - v + r g (e_chr2 - v)"
    ),
    reference="steady state and peak in closed form, SciPy's solver with events",
    sources=(NAGEL, NIKOLIC, EVANS),
    stimulus="5 mW/mm^2 at 470 nm: a train of 2 ms pulses at 20 Hz, and a flash of 1 s",
    parameters=Parameters,
    run=run,
    bodies={
        "network": "two half-step transitions of the occupancies around the membrane's step",
        "rtl": "fixed-point occupancies, one matrix a light level, conductance-based unit",
        "spice": "kinetics as charge between capacitors, an OTA referred to 0 V",
    },
)

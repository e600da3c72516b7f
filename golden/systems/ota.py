"""System 10: a capacitor and an operational transconductance amplifier in weak inversion.

The time constant from bias and back, the large-signal decay between slewing and exponential,
the noise that the capacitor keeps, and what temperature does to all of it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from .. import ota, ota_noise, ota_temperature
from ..errors import require
from ..ota_large_signal import slew_rate
from .ota_checks import check_bias, check_decay, check_noise, check_temperature
from .parameter import quantity, validate
from .system import Figure, Result, System

__all__ = ["SYSTEM", "Parameters", "run"]

MEAD = "Mead, Analog VLSI and Neural Systems (1989)"
VITTOZ = "Vittoz & Fellrath, IEEE J. Solid-State Circuits 12, 224 (1977)"


@dataclass(frozen=True)
class Parameters:
    """The neuron's leak: a capacitor, a bias and a temperature."""

    c: float = quantity(10e-12, "F", "Membrane capacitance.", above=0.0)
    tau_mem: float = quantity(20e-3, "s", "Time constant wanted of it.", above=0.0)
    n_slope: float = quantity(
        1.3, "1", "Slope factor of the pair in weak inversion.", source=VITTOZ, low=1.0, high=3.0
    )
    temperature: float = quantity(300.15, "K", "Temperature.", above=0.0)
    v_step: float = quantity(0.3, "V", "Start of the decay.", above=0.0, high=10.0)
    mirror: bool = quantity(True, "1", "Whether a current mirror loads the pair and adds noise.")
    t_low: float = quantity(233.15, "K", "Lowest temperature of the range.", above=0.0)
    t_high: float = quantity(398.15, "K", "Highest temperature of the range.", above=0.0)
    ratio: float = quantity(8.0, "1", "Transistor ratio of the bias.", source=VITTOZ, above=1.0)
    resistor_drift: float = quantity(
        1e-3, "1/K", "Drift of the bias resistor.", low=-2e-3, high=5e-3
    )
    paths: int = quantity(20_000, "1", "Capacitors drawn.", low=100, high=10_000_000)
    seed: int = quantity(10, "1", "Seed of the random numbers.", low=0, high=2**31 - 1)

    def __post_init__(self) -> None:
        validate(self)
        require(self.t_low < self.t_high, "t_low", self.t_low, f"below t_high = {self.t_high:g} K")

    @property
    def i_bias(self) -> float:
        """The bias in amperes that gives ``tau_mem``."""
        return float(ota.bias_for_tau(self.tau_mem, self.c, self.n_slope, self.temperature))

    @property
    def slope(self) -> float:
        """``2 n U_T`` in volts."""
        return float(ota.slope_voltage(self.n_slope, self.temperature))


def run(p: Parameters) -> Result:
    """Decay, bias, temperature and noise of one capacitor and transconductor."""
    rngs = [np.random.default_rng([p.seed, part]) for part in range(2)]
    parts = (check_decay(p), check_bias(p), check_temperature(p), check_noise(p, rngs))
    silicon = (p.n_slope, p.temperature)
    r = float(ota_temperature.resistance_for_tau(p.tau_mem, p.c, p.ratio, p.n_slope))
    m = p.slope**2 / float(ota_noise.variance(p.c, *silicon, p.mirror))
    return Result(
        "ota",
        asdict(p),
        (
            Figure("tau", float(ota.tau(p.c, p.i_bias, *silicon)), "s"),
            Figure("bias", p.i_bias, "A"),
            Figure("g_m", float(ota.g_m(p.i_bias, *silicon)), "S"),
            Figure("slew rate", float(slew_rate(p.c, p.i_bias)), "V/s"),
            Figure("range linear to 1 %", ota.linear_range(0.01, *silicon), "V"),
            Figure("rms noise", float(ota_noise.variance(p.c, *silicon, p.mirror)) ** 0.5, "V"),
            Figure("noise factor", float(ota_noise.noise_factor(p.n_slope, p.mirror)), "1"),
            Figure("resistor of the bias", r, "ohm"),
        ),
        tuple(c for checks, _ in parts for c in checks),
        tuple(panel for _, panel in parts),
        (
            f"Linear noise is below the large-signal one by 1 / m = {1.0 / m:.1e} of the variance.",
            "White noise only: flicker noise, which depends on area and process, adds to it.",
            "Weak inversion: a pair driven above its specific current has a lower g_m per bias.",
            f"A resistor of {r:.1e} ohm is that of the bias itself; a smaller one makes a larger "
            "current, which mirrors divide.",
            "Leakage of the junctions sets the least bias; it doubles about every 10 K.",
        ),
    )


SYSTEM = System(
    key="ota",
    number=10,
    title="Capacitor and OTA",
    question="Which bias gives which time constant, over what swing, temperature and noise?",
    equation=(
        "C dv/dt = -I_b tanh(v / (2 n U_T))\n"
        "tau = 2 n C U_T / I_b\n"
        "sinh(v(t) / (2 n U_T)) = sinh(v(0) / (2 n U_T)) exp(-t / tau)\n"
        "v_rms^2 = (N n / 2) k T / C"
    ),
    reference="adaptive integration of the large-signal equation, quadrature, Monte Carlo",
    sources=(
        MEAD,
        VITTOZ,
        "Sarpeshkar, Delbrueck & Mead, IEEE Circuits and Devices 9(6), 23 (1993)",
        "Sarpeshkar, Lyon & Mead, Analog Integr. Circuits Signal Process. 13, 123 (1997)",
    ),
    stimulus="a step of 0.3 V that decays to rest",
    parameters=Parameters,
    run=run,
    bodies={
        "network": "the leak factor exp(-dt / tau); the noise as sigma of the noise system",
        "rtl": "its contract twin: the quantised leak factor",
        "spice": "ideal, behavioural (tanh) and transistor level; tau = C / g_m measured there",
    },
)

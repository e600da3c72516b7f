"""The checks and panels of the OTA system: decay, bias, temperature and noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import quad, solve_ivp

from .. import ota, ota_noise, ota_temperature
from ..ota_large_signal import decay, exponential_decay, slew_decay, slew_rate
from .system import Check, Panel, Series

if TYPE_CHECKING:
    from .ota import Parameters

__all__ = [
    "check_bias",
    "check_decay",
    "check_noise",
    "check_temperature",
    "drawn_variance",
    "few_electrons",
    "measured_tau",
    "shot_variance",
]

Array = NDArray[np.float64]
Part = tuple[tuple[Check, ...], Panel]
FOUR_SIGMA = "4 standard errors: one run in 16,000 would differ by more"
FEW = 20.0
"""``m`` of the capacitor on which the noise is too large for a linear model."""


def integrated(p: Parameters, v_start: float, t: Array, bias: float, temperature: float) -> Array:
    """``C dv/dt = -I(v)`` by an adaptive integrator, ``(n,)``: the reference for the closed form.

    In units of ``2 n U_T`` at the system's temperature, so that its tolerances are relative.
    """

    def slope(_: float, x: Array) -> Array:
        return -ota.current(x * p.slope, bias, p.n_slope, temperature) / (p.c * p.slope)

    found = solve_ivp(slope, (0.0, t[-1]), [v_start / p.slope], "DOP853", t, rtol=1e-12, atol=1e-18)
    return np.asarray(found.y[0] * p.slope, dtype=np.float64)


def check_decay(p: Parameters) -> Part:
    """The decay against the integrator, and its two limits."""
    chip = (p.c, p.i_bias, p.n_slope, p.temperature)
    t = np.linspace(0.0, 4.0 * p.tau_mem + p.v_step / float(slew_rate(p.c, p.i_bias)), 61)
    exact = decay(p.v_step, t, *chip)
    reference = integrated(p, p.v_step, t, p.i_bias, p.temperature)
    small = np.array([0.2, 0.1]) * p.slope
    above = decay(small, p.tau_mem, *chip) / exponential_decay(small, p.tau_mem, *chip) - 1.0
    x = 20.0
    half = 0.5 * x * p.slope / float(slew_rate(p.c, p.i_bias))
    line = float(slew_decay(x * p.slope, half, p.c, p.i_bias))
    lag = abs(float(decay(x * p.slope, half, *chip)) - line) / p.slope
    checks = (
        Check.absolute(
            "largest relative error of the decay",
            float(np.max(np.abs(exact / reference - 1.0))),
            0.0,
            1e-9,
            "1",
            "adaptive integration to 1e-12",
            "sums of local errors of 1e-12 over the decay",
        ),
        Check.absolute(
            "order of the small-signal limit",
            float(np.log2(above[0] / above[1])),
            2.0,
            0.05,
            "1",
            "decays from a fifth and a tenth of 2 n U_T",
            "tanh has no term of second order; the fourth adds 1 %",
        ),
        Check.absolute(
            "distance from the slew line at half of 20 times 2 n U_T",
            lag,
            0.0,
            1.01 * float(np.exp(-x)),
            "1",
            "a line of slope I_b / C",
            "exp(-2 v / (2 n U_T)), from the closed form of the difference",
        ),
    )
    series = (
        Series("closed form", t, exact),
        Series("integrated", t, reference, "reference", "points"),
        Series("slew line", t, slew_decay(p.v_step, t, p.c, p.i_bias), "context"),
        Series("small-signal limit", t, exponential_decay(p.v_step, t, *chip), "context"),
    )
    return checks, Panel("Decay through the transconductor", "time", "s", "potential", "V", series)


def measured_tau(p: Parameters, bias: float, temperature: float) -> float:
    """``tau`` in seconds as a bench would take it: from two samples of a small decay."""
    expected = float(ota.tau(p.c, bias, p.n_slope, temperature))
    t = expected * np.array([0.0, 1.0, 2.0])
    v = integrated(p, 1e-4 * p.slope, t, bias, temperature)
    return float((t[2] - t[1]) / np.log(v[1] / v[2]))


def check_bias(p: Parameters) -> Part:
    """Bias to time constant and back, against measured decays."""
    wanted = np.geomspace(1e-6, 10.0, 29)
    bias = ota.bias_for_tau(wanted, p.c, p.n_slope, p.temperature)
    back = ota.tau(p.c, bias, p.n_slope, p.temperature)
    few = bias[::4]
    measured = np.array([measured_tau(p, b, p.temperature) for b in few.tolist()])
    checks = (
        Check.absolute(
            "largest relative error of the inverse",
            float(np.max(np.abs(back / wanted - 1.0))),
            0.0,
            1e-12,
            "1",
            "tau of bias_for_tau from 1 us to 10 s",
            "rounding",
        ),
        Check.absolute(
            "largest relative error of tau",
            float(np.max(np.abs(measured / wanted[::4] - 1.0))),
            0.0,
            1e-8,
            "1",
            "decay from 1e-4 of 2 n U_T, integrated",
            "a decay this small is exponential to the square of 1e-4",
        ),
    )
    series = (
        Series("C / g_m", bias, wanted),
        Series("measured decay", few, measured, "reference", "points"),
    )
    panel = Panel("Time constant by bias", "bias", "A", "tau", "s", series, x_log=True, y_log=True)
    return checks, panel


def check_temperature(p: Parameters) -> Part:
    """Time constant over temperature with three biases."""
    t = np.linspace(p.t_low, p.t_high, 34)
    r = float(ota_temperature.resistance_for_tau(p.tau_mem, p.c, p.ratio, p.n_slope))
    fixed = ota.tau(p.c, p.i_bias, p.n_slope, t)
    steady = ota.tau(p.c, ota_temperature.ptat_bias(t, r, p.ratio), p.n_slope, t)
    real_bias = ota_temperature.ptat_bias(t, r, p.ratio, p.resistor_drift)
    real = ota.tau(p.c, real_bias, p.n_slope, t)
    few = t[:: t.size - 1]
    ends = [measured_tau(p, p.i_bias, x) for x in few.tolist()]
    held = [measured_tau(p, b, x) for b, x in zip(real_bias[[0, -1]], few.tolist(), strict=True)]
    law = float(np.log(ends[1] / ends[0]) / np.log(few[1] / few[0]))
    grown = 1.0 + p.resistor_drift * (few - ota_temperature.REFERENCE)
    checks = (
        Check.absolute(
            "exponent of tau in temperature at fixed bias",
            law,
            1.0,
            1e-7,
            "1",
            "measured decays at both ends of the range",
            "tau = 2 n C U_T / I_b; decays are exponential to 1e-8",
        ),
        Check.absolute(
            "largest relative drift under a bias proportional to temperature",
            float(np.max(np.abs(steady / p.tau_mem - 1.0))),
            0.0,
            1e-12,
            "1",
            "tau_mem",
            "the temperature cancels: rounding",
        ),
        Check.relative(
            "change of tau over the range with a resistor that drifts",
            held[1] / held[0],
            float(grown[1] / grown[0]),
            1e-7,
            "1",
            "change of the resistor",
            "tau = 2 n R C / ln K; decays are exponential to 1e-8",
        ),
    )
    series = (
        Series("fixed bias", t, fixed),
        Series("bias proportional to temperature", t, steady),
        Series("the same, resistor drifts", t, real),
        Series("measured decay", few, np.array(ends), "reference", "points"),
    )
    return checks, Panel("Temperature", "temperature", "K", "tau", "s", series)


def shot_variance(p: Parameters, rng: np.random.Generator) -> tuple[float, float]:
    """Variance in V^2 of the membrane, and its standard error, from electrons that are counted.

    ``N`` transistors pass electrons at random, ``I_b / (2 q)`` of them a second each, half of
    them onto the capacitor and half off it; it leaks with ``tau_mem``. No density of noise is
    put in, only ``q``.
    """
    h, steps = 0.1, 80
    passed = 0.5 * p.i_bias / ota.CHARGE * h * p.tau_mem
    # What arrives over a step has decayed by this much at its end, in root mean square.
    left = np.sqrt(-np.expm1(-2.0 * h) / (2.0 * h))
    v = np.zeros(p.paths)
    for _ in range(steps):
        electrons = np.zeros(p.paths)
        for number in range(ota_noise.sources(p.mirror)):
            electrons += (-1) ** number * rng.poisson(passed, p.paths)
        v = v * np.exp(-h) + left * electrons * ota.CHARGE / p.c
    return _variance(v)


def drawn_variance(p: Parameters, c: float, rng: np.random.Generator) -> tuple[float, float]:
    """The same from the nonlinear equation with white noise, on a capacitor ``c`` in farads.

    A step is half a decay in closed form, a normal kick and another half: of second order.
    """
    bias = float(ota.bias_for_tau(p.tau_mem, c, p.n_slope, p.temperature))
    chip = (c, bias, p.n_slope, p.temperature)
    h = p.tau_mem / 20.0
    white = float(ota_noise.current_density(0.0, bias, p.n_slope, p.temperature, p.mirror))
    v = np.zeros(p.paths)
    for _ in range(200):
        v = decay(v, h / 2.0, *chip) + np.sqrt(white / 2.0 * h) / c * rng.standard_normal(v.size)
        v = decay(v, h / 2.0, *chip)
    return _variance(v)


def _variance(v: Array) -> tuple[float, float]:
    """Variance about 0, and its standard error."""
    square = v**2
    return float(square.mean()), float(square.std(ddof=1) / np.sqrt(v.size))


def few_electrons(p: Parameters) -> float:
    """The capacitance in farads at which ``m = 4 C V / (N q)`` is 20."""
    return FEW * ota_noise.sources(p.mirror) * ota.CHARGE / (4.0 * p.slope)


def check_noise(p: Parameters, rngs: list[np.random.Generator]) -> Part:
    """Noise on the capacitor: spectrum, electrons, and where it is too large to linearise."""
    silicon = (p.n_slope, p.temperature, p.mirror)
    kept = float(ota_noise.variance(p.c, *silicon))
    turn = 1.0 / (2.0 * np.pi * p.tau_mem)

    def spectrum(angle: float) -> float:
        """The density over frequencies ``turn tan(angle)``, from 0 to infinity."""
        f = turn * np.tan(angle)
        density = ota_noise.voltage_density(f, p.c, p.i_bias, *silicon)
        return float(density * turn / np.cos(angle) ** 2)

    whole = quad(spectrum, 0.0, np.pi / 2.0, epsrel=1e-12)[0]
    kt = ota.CHARGE * float(ota.thermal_voltage(p.temperature))
    small = few_electrons(p)
    large = float(ota_noise.large_signal_variance(small, *silicon))
    counted, drawn = shot_variance(p, rngs[0]), drawn_variance(p, small, rngs[1])
    factor = ota_noise.sources(p.mirror) * p.n_slope / 2.0
    checks = (
        Check.relative(
            "noise on the membrane over all frequencies",
            float(whole),
            factor * kt / p.c,
            1e-9,
            "V^2",
            "N n / 2 times k T / C",
            "adaptive quadrature",
        ),
        Check.sigma(
            "noise from counted electrons",
            counted[0],
            kept,
            counted[1],
            4.0,
            "V^2",
            "N n / 2 times k T / C",
            FOUR_SIGMA,
        ),
        Check.sigma(
            "noise drawn on a capacitor of few electrons",
            drawn[0],
            large,
            drawn[1],
            4.0,
            "V^2",
            "trigamma function",
            FOUR_SIGMA,
        ),
    )
    c = np.geomspace(small, max(10.0 * p.c, 1e-11), 61)
    points = np.array([[x[0] * a / kt, x[1] * a / kt] for x, a in ((drawn, small), (counted, p.c))])
    series = (
        Series("large signal", c, ota_noise.large_signal_variance(c, *silicon) * c / kt),
        Series("linear: N n / 2", c, ota_noise.variance(c, *silicon) * c / kt),
        Series(
            "Monte Carlo", np.array([small, p.c]), points[:, 0], "reference", "points", points[:, 1]
        ),
        Series("a resistor", c, np.ones(c.size), "context"),
    )
    title, what = "Noise on the capacitor", "variance over k T / C"
    return checks, Panel(title, "capacitance", "F", what, "1", series, x_log=True)

"""The figures of ``docs/analog.md``: ``python -m lifstone.sim.spice_figures --out docs/figures``.

Points are simulated; lines are theory from :mod:`lifstone.golden`.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, FixedLocator, NullFormatter

from ..analog import OtaNeuron, Transient, simulate
from ..golden import Lif, ota, solve
from ..golden.fi import rate
from .spice import run_spice_neuron
from .spice_sweep import sweep
from .whole_file import whole_file

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

__all__ = ["draw", "fi_figure", "membrane_figure", "saturation_figure", "tau_figure"]

ROOM, BIAS, CAPACITANCE = 300.15, 20e-9, 10e-12
COLOURS = ("#0072b2", "#56b4e9", "#009e73", "#e69f00", "#d55e00", "#cc79a7")
"""Okabe and Ito's, which people with any colour vision tell apart."""
INK, SHADE = "#222222", "#e8eef4"
REQUIRED = 0.5
"""Per cent within which a time constant has to be."""
LINEAR = 0.01
"""Departure of the tanh from its tangent at the end of what is called the linear range."""


def draw(out: Path, jobs: int | None = None) -> list[Path]:
    """Simulate, and write all figures as PNG below ``out``; two minutes on one core."""
    out.mkdir(parents=True, exist_ok=True)
    bias, c, temperature = [BIAS], [CAPACITANCE], [ROOM]
    decades = np.geomspace(1e-12, 1e-6, 19).tolist()
    sizes = np.geomspace(1e-14, 1e-8, 19).tolist()
    warmth = np.linspace(233.15, 398.15, 12).tolist()
    taus = [
        sweep(i_bias=decades, c=c, temperature=temperature, jobs=jobs),
        sweep(i_bias=bias, c=sizes, temperature=temperature, jobs=jobs),
        sweep(i_bias=bias, c=c, temperature=warmth, jobs=jobs),
    ]
    rates = sweep(
        i_bias=bias,
        c=c,
        temperature=temperature,
        measure="fi",
        v_th=[1e-3, 5e-3, 10e-3, 20e-3, 50e-3, 100e-3, 200e-3],
        drive=[*np.linspace(0.1, 0.9, 9), *np.linspace(1.05, 1.5, 4), 2.0, 2.5, 3.0, 4.0],
        jobs=jobs,
    )
    figures = {
        "analog_tau.png": tau_figure(taus),
        "analog_fi.png": fi_figure(rates),
        "analog_saturation.png": saturation_figure(),
        "analog_membrane.png": membrane_figure(),
    }
    return [_write(figure, out / name) for name, figure in figures.items()]


def tau_figure(taus: Sequence[xr.Dataset]) -> Figure:
    """Time constants over one axis each, against ``C / g_m``, and their errors below."""
    figure = _figure(10.0, 4.6)
    axes = figure.subplots(2, len(taus), sharex="col", height_ratios=(2.2, 1), squeeze=False)
    worst = max(float(np.abs(_errors(d)).max()) for d in taus)
    for (top, bottom), data in zip(axes.T, taus, strict=True):
        name = max(("i_bias", "c", "temperature"), key=lambda n: data.sizes[n])
        x = data[name].values
        if name != "temperature":
            top.set(xscale="log", yscale="log")
            for axis in (bottom.xaxis, top.yaxis):
                axis.set_major_locator(FixedLocator([10.0**k for k in range(-15, 4, 3)]))
                axis.set_minor_locator(FixedLocator([10.0**k for k in range(-15, 4)]))
                axis.set_minor_formatter(NullFormatter())
        top.plot(x, data["expected"].values.ravel(), color=INK, label="theory, $C/g_m$")
        top.plot(x, data["measured"].values.ravel(), "o", color=COLOURS[0], label="SPICE")
        bottom.plot(x, _errors(data), "o-", color=COLOURS[0], markersize=4, linewidth=0.8)
        top.yaxis.set_major_formatter(EngFormatter("s", sep=" "))
        bottom.xaxis.set_major_formatter(EngFormatter(data[name].units, places=0, sep=" "))
        bottom.set_xlabel(data[name].long_name)
        bottom.set_ylim(0, 1.4 * worst)
    axes[0, 0].set_ylabel("time constant")
    axes[0, 0].legend()
    axes[1, 0].set_ylabel("error (%)")
    figure.suptitle(
        f"Time constant from a simulated decay: at most {worst:.1g} % off; "
        f"required is {REQUIRED:g} %",
        fontsize=11,
    )
    return figure


def fi_figure(data: xr.Dataset) -> Figure:
    """F-I curves for several thresholds; how far each is from the linear neuron."""
    d = data.isel(i_bias=0, c=0, temperature=0)
    slope = float(ota.slope_voltage(1.3, float(d["temperature"])))
    figure = _figure(10.0, 4.4)
    left, right = figure.subplots(1, 2, width_ratios=(1.25, 1))
    _fi_curves(left, d, slope)
    _fi_deviation(right, d, slope)
    return figure


def _fi_curves(ax: Axes, d: xr.Dataset, slope: float) -> None:
    shown = [v for v in d["v_th"].values if v in (1e-3, 20e-3, 50e-3, 100e-3, 200e-3)]
    fine = np.linspace(0.02, float(d["drive"].max()), 600)
    for colour, v_th in zip(COLOURS, shown or d["v_th"].values, strict=False):
        n = OtaNeuron(CAPACITANCE, BIAS, v_th=float(v_th), temperature=float(d["temperature"]))
        theory = [1 / n.period(x * n.g_m * n.v_th) for x in fine]
        ax.plot(fine, theory, color=colour, linewidth=1.2)
        label = f"{v_th * 1e3:.3g} mV = {_in_slopes(v_th, slope)}"
        ax.plot(d["drive"], d["measured"].sel(v_th=v_th), "o", color=colour, ms=4, label=label)
    lif = Lif(tau_mem=n.tau, r=1.0, v_th=1.0)
    ax.plot(fine, rate(lif, fine), color=INK, linestyle="--", label="linear, every threshold")
    ax.yaxis.set_major_formatter(EngFormatter("Hz", sep=" "))
    ax.set(xlabel="input / linear rheobase $g_m v_{th}$", ylabel="firing rate", xlim=(0, None))
    ax.set_ylim(0, 1.05 * float(d["measured"].max()))
    ax.legend(title="threshold; points SPICE, lines tanh", loc="upper left")


def _fi_deviation(ax: Axes, d: xr.Dataset, slope: float) -> None:
    drives = [x for x in d["drive"].values if x > 1.2][
        :: max(1, int((d["drive"] > 1.2).sum()) // 3)
    ]
    fine = np.geomspace(5e-4, 0.3, 120)
    edge = ota.linear_range(LINEAR, 1.3, float(d["temperature"]))
    ax.axvspan(fine[0], edge, color=SHADE)
    ax.annotate(
        f"linear range\n(tanh within {LINEAR * 100:g} %):\nup to {edge * 1e3:.1f} mV",
        (0.03, 0.97), xycoords="axes fraction", va="top", fontsize=9, color=INK,
    )  # fmt: skip
    for colour, drive in zip(COLOURS[::2], drives, strict=False):
        at = d.sel(drive=drive)
        ax.plot(
            d["v_th"], (at["measured"] / at["expected"] - 1) * 100, "o", color=colour, ms=4,
            label=rf"{drive:.3g} $\times$ rheobase",
        )  # fmt: skip
        linear = float(rate(Lif(tau_mem=1.0, r=1.0, v_th=1.0), drive))
        exact = []
        for v in fine:
            n = OtaNeuron(CAPACITANCE, BIAS, v_th=float(v), temperature=float(d["temperature"]))
            exact.append(n.tau / n.period(drive * n.g_m * n.v_th))
        ax.plot(fine, (np.array(exact) / linear - 1) * 100, color=colour, linewidth=1.2)
    ax.axhline(1.0, color=INK, linewidth=0.8, linestyle=":")
    ax.set(xscale="log", yscale="log", xlim=(fine[0], fine[-1]), ylim=(1e-3, 200))
    ax.xaxis.set_major_formatter(EngFormatter("V", places=0, sep=" "))
    ax.set(xlabel="threshold above rest", ylabel="rate above the linear closed form (%)")
    ax.annotate("1 %", (fine[0] * 1.1, 1.1), color=INK, fontsize=9)
    ax.legend(title="points SPICE, lines tanh", loc="lower right")


def saturation_figure() -> Figure:
    """One interval deep in the linear range and one beyond it."""
    figure = _figure(10.0, 3.6)
    for ax, v_th in zip(figure.subplots(1, 2), (1e-3, 200e-3), strict=True):
        n = OtaNeuron(CAPACITANCE, BIAS, v_th=v_th)
        current = 1.25 * n.g_m * v_th
        linear = 1 / float(rate(Lif(tau_mem=n.tau, r=1 / n.g_m, v_th=v_th), current))
        w = simulate(n, Transient(np.ones(1), 1.3 * linear, linear / 500), current)
        ax.plot(w.t, w.mem, color=COLOURS[1], linewidth=4, alpha=0.7, label="SPICE")
        v = np.linspace(1e-6, 1, 300) * v_th
        exact = [float(ota.period(current, c=n.c, i_bias=n.i_bias, v_th=float(x))) for x in v]
        ax.plot(exact, v, color=COLOURS[4], linewidth=1.2, label="tanh, closed form")
        t = np.linspace(0, linear, 300)
        ax.plot(
            t, current / n.g_m * (1 - np.exp(-t / n.tau)), color=INK, linestyle="--",
            linewidth=1.2, label="linear, closed form",
        )  # fmt: skip
        ax.axhline(v_th, color=INK, linewidth=0.8, linestyle=":")
        ax.xaxis.set_major_formatter(EngFormatter("s", places=0, sep=" "))
        ax.yaxis.set_major_formatter(EngFormatter("V", sep=" "))
        ax.set(xlabel="time", ylabel="membrane above rest", xlim=(0, 1.3 * linear))
        ax.set_ylim(-0.05 * v_th, 1.15 * v_th)
        of_slope = _in_slopes(v_th, float(ota.slope_voltage()))
        ax.set_title(f"threshold {v_th * 1e3:g} mV = {of_slope}", fontsize=10)
    handles, labels = ax.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False, fontsize=9)
    return figure


def membrane_figure() -> Figure:
    """A neuron with synapse and refractory period under steps of input: SPICE and exact."""
    dt = 1e-3
    lif = Lif(tau_mem=20e-3, v_th=1.0, v_reset=-0.2, t_ref=4e-3, tau_syn=5e-3)
    x = np.repeat([0.0, 2.5, 0.9, -1.5, 5.0, 0.0], 25)
    run = run_spice_neuron(lif, x, dt)
    fine = 20
    exact = solve(lif, np.repeat(x, fine), dt / fine)
    times = (np.arange(exact.v.size) + 1) * dt / fine
    figure = _figure(10.0, 4.2)
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    top.plot(run.t, run.v, color=COLOURS[1], linewidth=4, alpha=0.7, label="SPICE")
    top.plot(times, exact.v, color=COLOURS[4], linewidth=1.2, label="event-driven, exact")
    top.axhline(1.0, color=INK, linewidth=0.8, linestyle=":")
    top.set(ylabel="potential / threshold", ylim=(-0.8, 1.5))
    worst = float(np.abs(run.spike_times - exact.spike_times).max())
    top.set_title(
        f"{run.spike_times.size} spikes, each within {EngFormatter('s', places=0)(worst)} "
        "of the exact solution", fontsize=10, loc="left",
    )  # fmt: skip
    top.legend(loc="upper right", ncols=2)
    bottom.step([*(np.arange(x.size) * dt), x.size * dt], [*x, x[-1]], where="post", color=INK)
    bottom.set(ylabel="input", xlabel="time", xlim=(0, x.size * dt))
    bottom.xaxis.set_major_formatter(EngFormatter("s", places=0, sep=" "))
    return figure


def _in_slopes(v: float, slope: float) -> str:
    return rf"{v / slope:.2g} $\times$ $2nU_T$"


def _errors(data: xr.Dataset) -> np.ndarray:
    return np.asarray((data["measured"] / data["expected"] - 1).values.ravel() * 100)


def _figure(width: float, height: float) -> Figure:
    figure = Figure(figsize=(width, height), layout="constrained", dpi=110)
    FigureCanvasAgg(figure)
    return figure


def _write(figure: Figure, path: Path) -> Path:
    for ax in figure.axes:
        ax.spines[["top", "right"]].set_visible(False)
        ax.grid(True, color="#cccccc", linewidth=0.5, alpha=0.6)
        ax.tick_params(labelsize=9)
        legend = ax.get_legend()
        if legend is not None:
            legend.set_frame_on(False)
            for text in legend.get_texts():
                text.set_fontsize(9)
            legend.get_title().set_fontsize(9)
    with whole_file(path) as temporary:
        figure.savefig(temporary, format="png", metadata={"Software": None})
    return path


def main() -> None:
    """Draw the figures of the command line's folder."""
    parser = argparse.ArgumentParser(description="Draw the figures of docs/analog.md.")
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    parser.add_argument("--jobs", type=int, help="processes; as many as cores unless given")
    given = parser.parse_args()
    for path in draw(given.out, given.jobs):
        print(path)


if __name__ == "__main__":
    main()

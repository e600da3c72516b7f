"""The command that estimates a neuron from a recording."""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .console import emit_json, progress
from .golden import InvalidValue
from .golden.errors import require
from .options import output_file

if TYPE_CHECKING:
    from .golden.estimation import Fit, Recording

__all__ = ["fit"]


@click.command()
@click.argument("recording", type=click.Path(path_type=Path))
@click.option("--dt", type=float, help="Seconds between samples; from the file unless given.")
@click.option("--t-ref", default="auto", show_default=True, help="Refractory period in seconds.")
@click.option("--method", default="likelihood", show_default=True, help="likelihood or baseline.")
@click.option("--columns", help="Names of the columns of a .csv without header, such as x,v,spike.")
@click.option("--series", help="Name of the potential in a .nwb file that has several.")
@click.option("--plot", type=click.Path(path_type=Path), help="Draw to .svg, .png or .pdf.")
@click.option("--json", "as_json", is_flag=True, help="Print the estimates as JSON.")
@click.pass_context
def fit(
    context: click.Context,
    recording: Path,
    dt: float | None,
    t_ref: str,
    method: str,
    columns: str | None,
    series: str | None,
    plot: Path | None,
    as_json: bool,
) -> None:
    """Estimate a neuron and its noise from RECORDING (.csv, .npz or .nwb).

    Columns of the table, or arrays of the archive: ``v`` (volts after each step, empty or nan
    where dropped) and, if known, ``x`` (input, amperes), ``spike`` (0 or 1) or, in an archive,
    ``spike_times`` (seconds), and ``t`` (seconds) or ``dt``. Without spikes they are detected
    from the potential. A value that the recording does not determine is printed as unknown,
    and as null in JSON. Reading .nwb needs the package pynwb.

    \b
    Examples:
      lifstone fit recording.csv --dt 1e-3
      lifstone fit bare.csv --dt 1e-3 --columns x,v,spike --t-ref 2e-3
      lifstone fit recording.npz --plot fit.svg
      lifstone fit cell.nwb --method baseline --json
    """
    from .golden.estimation import fit as estimate
    from .recording_input import load_recording

    _check_plot(plot)
    loaded = load_recording(recording, dt, _refractory(t_ref), columns, series)
    with progress() as bar:
        bar.add_task(method, total=None)
        found = estimate(loaded, method)
        if plot is not None:
            _draw(loaded, found, plot)
    if as_json:
        emit_json(_data(found))
    else:
        _print(found)
        if plot is not None:
            click.echo(f"written to {plot}")
    context.exit(0 if found.converged else 1)


def _check_plot(plot: Path | None) -> None:
    """Refuse a name before the work rather than after it."""
    if plot is not None:
        from .panels import FORMATS

        require(plot.suffix in FORMATS, "plot", str(plot), f"a name in {', '.join(FORMATS)}")
        output_file("plot", plot)


def _refractory(text: str) -> float | None:
    if text == "auto":
        return None
    try:
        return float(text)
    except ValueError:
        raise InvalidValue("t-ref", text, "seconds, or auto") from None


def _draw(recording: Recording, found: Fit, path: Path) -> None:
    from .golden.estimation import diagnose
    from .golden.estimation.panels import diagnostic_panels
    from .golden.systems import Result
    from .panels import draw, save_figure

    panels = diagnostic_panels(recording, found, diagnose(recording, found))
    save_figure(draw(Result("fit", {}, (), (), panels), f"Fit by {found.method}"), path)


def _data(found: Fit) -> dict[str, Any]:
    names = list(found.estimates)
    return {
        "method": str(found.method),
        **{name: asdict(e) for name, e in found.estimates.items()},
        "covariance": {
            "of": [f"ln {n}" if found.logarithmic(n) else n for n in names],
            "values": found.covariance.tolist(),
        },
        "log_likelihood": found.log_likelihood,
        "t_ref": found.t_ref,
        "samples": found.samples,
        "missing": found.missing,
        "spikes": int(found.spikes.size),
        "converged": found.converged,
        "notes": list(found.notes),
    }


def _print(found: Fit) -> None:
    for name, e in found.estimates.items():
        if math.isnan(e.value):
            text = "unknown: the recording does not determine it"
        elif math.isnan(e.error):
            text = f"{e.value:.6g} {e.unit}, error unknown"
        else:
            span = f"95 %: {e.low:.6g} to {e.high:.6g}"
            text = f"{e.value:.6g} +- {e.error:.2g} {e.unit} ({span})"
        click.echo(f"{name:9} {text}")
    counts = f"{found.samples:,} samples, {found.missing:,} missing, {found.spikes.size:,} spikes"
    click.echo(f"{counts}; refractory period {found.t_ref:g} s; method {found.method}")
    for note in found.notes:
        click.echo(f"note: {note}")

"""The commands around single neurons: sweep the analog one, fit a recorded one."""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path

import click

from .console import emit_json, progress
from .golden import InvalidValue
from .options import below_folder

__all__ = ["fit", "sweep"]

UNITS = {"tau_mem": "s", "r": "ohm", "v_leak": "V", "v_th": "V", "v_reset": "V", "residual": "V"}


@click.command()
@click.argument("recording", type=click.Path(path_type=Path))
@click.option("--dt", type=float, required=True, help="Seconds between samples.")
@click.option("--columns", help="Names of the columns of a .csv without header, such as x,v,spike.")
@click.option("--json", "as_json", is_flag=True, help="Print the estimates as JSON.")
def fit(recording: Path, dt: float, columns: str | None, as_json: bool) -> None:
    """Estimate tau, resistance, rest, threshold and reset from RECORDING (.csv or .npz).

    Columns of the table, or arrays of the archive: ``v`` (volts after each step) and, if
    known, ``x`` (input, amperes) and ``spike`` (0 or 1). A value that the recording does not
    determine is printed as unknown, and as null in JSON.

    \b
    Examples:
      lifstone fit recording.csv --dt 1e-4
      lifstone fit bare.csv --dt 1e-4 --columns x,v,spike
      lifstone fit recording.npz --dt 1e-4 --json
    """
    from .golden.recording import fit_recording
    from .recording_file import read_recording

    found = read_recording(recording, columns)
    result = asdict(fit_recording(found["v"], dt, found.get("x"), found.get("spike")))
    if as_json:
        emit_json(result)
        return
    for key, value in result.items():
        unit = UNITS.get(key, "")
        if not isinstance(value, dict):
            text = f"{value:.3g} {unit}" if isinstance(value, float) else f"{value:,}"
        elif math.isnan(value["value"]):
            text = "unknown: the recording does not determine it"
        else:
            text = f"{value['value']:.6g} +- {value['error']:.2g} {unit}"
        click.echo(f"{key:9} {text.rstrip()}")


@click.command()
@click.option("--measure", default="tau", show_default=True, help="tau or rate.")
@click.option("--i-bias", default="20e-9", show_default=True, help="Amperes, comma separated.")
@click.option("--capacitance", default="10e-12", show_default=True, help="Farads.")
@click.option("--temperature", default="300.15", show_default=True, help="Kelvin.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help=".nc or .zarr.")
@click.option("--jobs", type=int, help="Processes; the number of cores unless given.")
@click.option("--json", "as_json", is_flag=True, help="Print the values as JSON.")
def sweep(
    measure: str,
    i_bias: str,
    capacitance: str,
    temperature: str,
    out: Path,
    jobs: int | None,
    as_json: bool,
) -> None:
    """Simulate the capacitor + OTA neuron over bias, capacitance and temperature.

    \b
    Example:
      lifstone sweep --i-bias 5e-9,10e-9,20e-9 --temperature 273.15,300.15 --out tau.nc
    """
    from .sim.spice_sweep import check_path, save
    from .sim.spice_sweep import sweep as run

    check_path(out)
    below_folder("out", out)
    axes = {
        "i_bias": _numbers("i-bias", i_bias),
        "c": _numbers("capacitance", capacitance),
        "temperature": _numbers("temperature", temperature),
    }
    with progress() as bar:
        task = bar.add_task(f"SPICE: {measure}", total=None)
        data = run(
            **axes,
            measure=measure,
            jobs=jobs,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    save(data, out)
    if as_json:
        emit_json(data.to_dict())
        return
    click.echo(str(data.to_dataframe().to_string()))
    click.echo(f"written to {out}")


def _numbers(field: str, text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise InvalidValue(field, text, "numbers, comma separated") from None

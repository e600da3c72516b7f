"""The commands around single analog neurons: sweep one, export one as a netlist."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.table import Table

from .console import WIDTH, assumed, emit_json, progress, step_bar, write_text
from .options import (
    below_folder,
    grid_options,
    load_float,
    model_argument,
    named_neuron,
    output_file,
    stimulus_from,
    stimulus_options,
)
from .ranges import numbers
from .text import one_line
from .wording import si

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["netlist", "sweep"]


@click.command()
@click.option("--measure", default="tau", show_default=True, help="tau, rate or fi.")
@click.option("--i-bias", default="20nA", show_default=True, help="Bias of the OTA, A.")
@click.option("--capacitance", default="10pF", show_default=True, help="Membrane, F.")
@click.option("--temperature", default="300.15", show_default=True, help="Kelvin.")
@click.option("--v-th", help="Threshold above rest, V; several for fi, which has a default.")
@click.option("--drive", help="Input in linear rheobases; several for fi, which has a default.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help=".nc or .zarr.")
@click.option("--jobs", type=int, help="Processes; the number of cores unless given.")
@click.option("--json", "as_json", is_flag=True, help="Print the values as JSON.")
def sweep(
    measure: str,
    i_bias: str,
    capacitance: str,
    temperature: str,
    v_th: str | None,
    drive: str | None,
    out: Path,
    jobs: int | None,
    as_json: bool,
) -> None:
    """Simulate the capacitor + OTA neuron over bias, capacitance and temperature.

    tau is fitted from a decay and compared with C / g_m. rate is compared with the closed form
    of the linear neuron, at one threshold and input; fi takes both as axes and shows where the
    OTA leaves its linear range. Values are numbers, with or without unit, or ranges A:B:N and
    A:B:N:log, comma separated.

    \b
    Examples:
      lifstone sweep --i-bias 5nA,10nA,20nA --temperature 273.15,300.15 --out tau.nc
      lifstone sweep --i-bias 1e-12:1e-6:7:log --capacitance 1pF:20pF:5 --out tau.zarr
      lifstone sweep --measure fi --v-th 1mV,50mV,200mV --drive 0.25:4:16 --out fi.nc
    """
    from .sim.dataset_file import check_path, save
    from .sim.spice_sweep import sweep as run

    check_path(out)
    below_folder("out", out)
    axes = {
        "i_bias": numbers("i-bias", i_bias, "A"),
        "c": numbers("capacitance", capacitance, "F"),
        "temperature": numbers("temperature", temperature, "K"),
    }
    thresholds = None if v_th is None else numbers("v-th", v_th, "V")
    drives = None if drive is None else numbers("drive", drive, "1")
    with progress() as bar:
        tell = step_bar(bar)
        data = run(
            **axes,
            measure=measure,
            v_th=thresholds,
            drive=drives,
            jobs=jobs,
            progress=lambda done, total: tell(f"SPICE: {measure}", done, total),
        )
    save(data, out)
    failed = sum(bool(text) for text in data["failure"].values.ravel())
    if as_json:
        emit_json(data.to_dict())
    else:
        _print(data)
        click.echo(f"written to {out}")
    if failed:
        click.echo(f"{failed} of {data['failure'].size} points failed", err=True)


def _print(data: xr.Dataset) -> None:
    """A row for every point: where, what was measured, what the theories say, and how far off."""
    frame = data.to_dataframe().reset_index()
    theories = [name for name in ("expected", "large_signal") if name in frame]
    axes = [name for name in frame if name in data.coords]
    table = Table(box=None, pad_edge=False)
    for head in (*axes, "measured", *(h for t in theories for h in (t, "error"))):
        table.add_column(str(head), justify="right")
    for _, row in frame.iterrows():
        cells = [_cell(row[name], data[name].units) for name in (*axes, "measured")]
        for name in theories:
            good = row[name] > 0 and math.isfinite(row["measured"])
            off = f"{(row['measured'] / row[name] - 1) * 100:+.3g} %" if good else ""
            cells += [_cell(row[name], data[name].units), off]
        table.add_row(*cells, *([one_line(row["failure"])] if row["failure"] else []))
    console = Console()
    (console if console.is_terminal else Console(width=WIDTH)).print(table)


def _cell(value: float, unit: str) -> str:
    if unit in ("1", "K"):
        return f"{value:.6g} {unit.strip('1')}".rstrip()
    return si(value, unit)


@click.command()
@model_argument
@click.option("--neuron", required=True, help="The neuron, as population:index.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="File, such as n.cir.")
@click.option(
    "--format",
    "dialect",
    default="ngspice",
    show_default=True,
    help="ngspice, xyce or spectre.",
)
@click.option("--json", "as_json", is_flag=True, help="Print what was written as JSON.")
@grid_options
@stimulus_options
def netlist(model: Path, neuron: str, out: Path, dialect: str, as_json: bool, **o: Any) -> None:
    """Write one neuron of MODEL (.nir) as a netlist that ngspice runs alone.

    The capacitor + OTA neuron gets the input that it has in the network's run on the stimulus,
    first sample. ngspice prints its membrane and its latch, which rises at every spike. Other
    formats hold the same elements in the syntax of Xyce or Spectre.

    \b
    Example:
      lifstone netlist model.nir --neuron hidden:3 --out neuron.cir && ngspice -b neuron.cir
    """
    from .analog.dialects import check_dialect
    from .golden import run_float, solve
    from .golden.reference import input_current
    from .sim.spice import export_netlist

    output_file("out", out)
    check_dialect(dialect)
    imported = load_float(model, o)
    network = imported.network
    allowed = f"population:index of {', '.join(network.populations)}"
    name, j = named_neuron("neuron", neuron, network.populations, allowed)
    stimulus = stimulus_from(network, o)
    spikes = stimulus.sample(0)
    x = input_current(network, spikes, run_float(network, spikes, stimulus.steps), name)[:, j]
    lif = network.populations[name].neuron(j)
    title = re.sub(r"[^A-Za-z0-9 _.,:()+-]", "_", f"neuron {name}:{j}")[:80]
    write_text(out, export_netlist(lif, x, network.dt, name=title, dialect=dialect))
    times = solve(lif, x, network.dt).spike_times.tolist()
    if as_json:
        emit_json(
            {
                "out": str(out),
                "format": dialect,
                "neuron": f"{name}:{j}",
                "dt": network.dt,
                "steps": stimulus.steps,
                "stimulus": stimulus.origin,
                "spike_times": times,
                "assumptions": list(imported.assumptions),
            }
        )
        return
    assumed(imported)
    click.echo(
        f"written to {out}: {stimulus.steps} steps, {len(times)} spikes in the exact solution"
    )

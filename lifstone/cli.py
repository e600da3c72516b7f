"""The command line. Exit codes: 0 agrees, 1 deviates, 2 bad input, 3 missing tool."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from . import __version__
from .cli_systems import run, systems
from .cli_verify import demo, report, verify
from .console import emit_json, progress
from .doctor import examine
from .golden import InvalidValue, MissingTool
from .options import contract_options, load, model_argument, output_folder

__all__ = ["main"]

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


@click.group(context_settings=CONTEXT)
@click.version_option(__version__)
def cli() -> None:
    """One LIF model, four bodies, one verdict.

    \b
    Examples:
      lifstone demo
      lifstone verify model.nir
      lifstone generate model.nir --out rtl
      lifstone build model.nir --board icebreaker --out bitstream
    """


cli.add_command(verify)
cli.add_command(report)
cli.add_command(demo)
cli.add_command(systems)
cli.add_command(run)


@cli.command()
@model_argument
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder to write.")
@click.option("--name", default="lifstone_net", show_default=True, help="Top module.")
@click.option("--trace", is_flag=True, help="With ports that show every neuron's state.")
@click.option("--json", "as_json", is_flag=True, help="Print the manifest.")
@contract_options
def generate(model: Path, out: Path, name: str, trace: bool, as_json: bool, **o: Any) -> None:
    """Write Verilog, memory files, manifest and FuseSoC core of MODEL (.nir).

    \b
    Example:
      lifstone generate model.nir --out rtl --weight-bits 6
    """
    from .hdl import generate as make

    imported, quantised = load(model, o)
    design = make(quantised.contract, name, trace=trace)
    design.write(output_folder(out))
    if as_json:
        emit_json({**design.manifest, "assumptions": list(imported.assumptions)})
        return
    for line in imported.assumptions:
        click.echo(f"assumed: {line}")
    click.echo(f"{out / (name + '.v')} and {len(design.memories)} memory files")


@cli.command()
@model_argument
@click.option("--board", required=True, help="icebreaker or ulx3s.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder to write.")
@click.option("--name", default="lifstone_net", show_default=True, help="Name of the design.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@contract_options
def build(model: Path, board: str, out: Path, name: str, as_json: bool, **o: Any) -> None:
    """Make a bitstream of MODEL (.nir) for a board, with figures from the tools' reports.

    \b
    Example:
      lifstone build model.nir --board ulx3s --out bitstream
    """
    from .hdl.boards import find_board
    from .hdl.build import build as make

    find_board(board)
    _, quantised = load(model, o)
    output_folder(out)
    with progress() as bar:
        task = bar.add_task("build", total=None)
        result = make(
            quantised.contract,
            board,
            out,
            name=name,
            progress=lambda stage: bar.update(task, description=stage),
        )
    if as_json:
        emit_json(result.to_dict())
        return
    for key, value in result.to_dict().items():
        click.echo(f"{key}: {value}")


@cli.command()
@click.argument("recording", type=click.Path(path_type=Path))
@click.option("--dt", type=float, required=True, help="Seconds between samples.")
@click.option("--json", "as_json", is_flag=True, help="Print the estimates as JSON.")
def fit(recording: Path, dt: float, as_json: bool) -> None:
    """Estimate tau, resistance, rest, threshold and reset from RECORDING (.csv).

    The table has a header with a column ``v`` (volts after each step) and, if known,
    ``input`` or ``x`` (amperes) and ``spike`` (0 or 1).

    \b
    Example:
      lifstone fit recording.csv --dt 1e-4
    """
    from .golden.recording import fit_recording
    from .recording_file import read_columns

    columns = read_columns(recording)
    result = asdict(fit_recording(columns["v"], dt, columns.get("x"), columns.get("spike")))
    if as_json:
        emit_json(result)
        return
    for key, value in result.items():
        plain = not isinstance(value, dict)
        text = f"{value}" if plain else f"{value['value']:.6g} +- {value['error']:.2g}"
        click.echo(f"{key:9} {text}")


@cli.command()
@click.option("--measure", type=str, default="tau", show_default=True, help="tau or rate.")
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
    data = run(
        i_bias=_numbers("i-bias", i_bias),
        c=_numbers("capacitance", capacitance),
        temperature=_numbers("temperature", temperature),
        measure=measure,
        jobs=jobs,
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


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@click.pass_context
def doctor(context: click.Context, as_json: bool) -> None:
    """Say which tools are present, and how to install those that are not."""
    found = examine()
    if as_json:
        emit_json([asdict(f) for f in found])
    else:
        table = Table(box=None, pad_edge=False)
        for head in ("tool", "used for", "version, or how to get it"):
            table.add_column(head, overflow="fold")
        for f in found:
            state = f.version if f.present else f"missing: {f.install}"
            table.add_row(f.tool, f.purpose, state, style=None if f.present else "yellow")
        Console().print(table)
    context.exit(0 if all(f.present for f in found) else 3)


def main(arguments: list[str] | None = None) -> None:
    """Entry point: errors become one line and an exit code."""
    try:
        code = cli.main(arguments, prog_name="lifstone", standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("stopped", err=True)
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except InvalidValue as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(2)
    except MissingTool as error:
        click.echo(f"missing tool: {error}", err=True)
        sys.exit(3)
    except RuntimeError as error:
        # An outside tool was there and gave up; its last words are in the message.
        click.echo(f"error: {' '.join(str(error).split())}", err=True)
        sys.exit(3)
    except BrokenPipeError:
        sys.exit(141)
    except OSError as error:
        click.echo(f"error: {error.filename or 'file'}: {error.strerror or error}", err=True)
        sys.exit(2)
    sys.exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    main()

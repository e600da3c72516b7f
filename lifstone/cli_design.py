"""The commands that make hardware: generate, build."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from .console import assumed, emit_json, progress
from .options import (
    contract_options,
    lanes_from,
    lanes_option,
    load,
    model_argument,
    output_folder,
)

__all__ = ["build", "generate"]


@click.command()
@model_argument
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder to write.")
@click.option("--name", default="lifstone_net", show_default=True, help="Top module.")
@click.option("--trace", is_flag=True, help="With ports that show every neuron's state.")
@click.option("--kernels", is_flag=True, help="Store the kernels of convolutions once.")
@click.option("--json", "as_json", is_flag=True, help="Print the manifest.")
@lanes_option
@contract_options
def generate(
    model: Path,
    out: Path,
    name: str,
    trace: bool,
    kernels: bool,
    lanes: str,
    as_json: bool,
    **o: Any,
) -> None:
    """Write Verilog, memory files, manifest and FuseSoC core of MODEL (.nir).

    \b
    Examples:
      lifstone generate model.nir --out rtl --weight-bits 6
      lifstone generate model.nir --out rtl --trace --name my_net
      lifstone generate model.nir --out rtl --lanes hidden=8,digit=2
      lifstone generate model.nir --out rtl --kernels
    """
    from .hdl import generate as make
    from .sim.nir_kernels import Shared, nir_kernels

    output_folder(out)
    parallel = lanes_from(lanes)
    imported, quantised = load(model, o)
    shared = nir_kernels(model, quantised.contract) if kernels else Shared({}, ())
    design = make(quantised.contract, name, trace=trace, lanes=parallel, kernels=shared.kernels)
    design.write(out)
    if as_json:
        emit_json({**design.manifest, "assumptions": list(imported.assumptions)})
        return
    assumed(imported)
    for row in design.manifest["populations"]:
        if "kernel" in row:
            once, unrolled = (row["kernel"][k] for k in ("weights", "unrolled_weights"))
            click.echo(f"{row['name']}: {once} weights instead of {unrolled} in memory")
    for reason in shared.reasons:
        click.echo(reason)
    click.echo(f"written to {out}: {name}.v and {len(design.memories)} memory files")


@click.command()
@model_argument
@click.option("--board", required=True, help="icebreaker, ulx3s, ulx3s-12f, -25f or -45f.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder to write.")
@click.option("--name", default="lifstone_net", show_default=True, help="Name of the design.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@lanes_option
@contract_options
@click.pass_context
def build(
    context: click.Context,
    /,
    model: Path,
    board: str,
    out: Path,
    name: str,
    lanes: str,
    as_json: bool,
    **o: Any,
) -> None:
    """Make a bitstream of MODEL (.nir) for a board, with figures from the tools' reports.

    Exit code 1 if the design turns out slower than the board's clock.

    \b
    Example:
      lifstone build model.nir --board ulx3s --out bitstream
    """
    from .hdl.boards import find_board
    from .hdl.build import build as make

    find_board(board)
    output_folder(out)
    parallel = lanes_from(lanes)
    imported, quantised = load(model, o)
    with progress() as bar:
        task = bar.add_task("build", total=None)
        result = make(
            quantised.contract,
            board,
            out,
            name=name,
            lanes=parallel,
            progress=lambda stage: bar.update(task, description=stage),
        )
    if as_json:
        emit_json(result.to_dict())
    else:
        assumed(imported)
        for key, value in result.table().items():
            click.echo(f"{key}: {value}")
        if not result.meets_timing:
            click.echo("too slow for the board's clock: divide the clock, or take fewer bits")
        click.echo(f"written to {out}; load it with: {result.flash}")
    context.exit(0 if result.meets_timing else 1)

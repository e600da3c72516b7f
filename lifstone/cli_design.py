"""The commands that make hardware: generate, build."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from .console import assumed, emit_json, progress
from .golden.errors import require
from .options import (
    contract_options,
    lanes_from,
    lanes_option,
    load,
    mesh_from,
    model_argument,
    output_folder,
    stores_from,
    stores_option,
)

__all__ = ["build", "generate"]

BOARD_NAMES = (
    "icebreaker, up5k-b-evn, ulx3s (85F), ulx3s-12f, ulx3s-25f, ulx3s-45f, colorlight-5a-75b, "
    "icesugar-pro"
)


@click.command()
@model_argument
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder to write.")
@click.option("--name", default="lifstone_net", show_default=True, help="Top module.")
@click.option("--trace", is_flag=True, help="With ports that show every neuron's state.")
@click.option("--kernels", is_flag=True, help="Store the kernels of convolutions once.")
@click.option("--json", "as_json", is_flag=True, help="Print the manifest.")
@click.option("--loadable", is_flag=True, help="With a port that writes weights at run time.")
@click.option("--mesh", help="Over a mesh of tiles, columns x rows, such as 2x2.")
@click.option("--tile-neurons", type=int, help="Mesh: neurons of a core; an equal share if none.")
@lanes_option
@stores_option
@contract_options
def generate(
    model: Path,
    out: Path,
    name: str,
    trace: bool,
    kernels: bool,
    loadable: bool,
    mesh: str | None,
    tile_neurons: int | None,
    lanes: str,
    stores: str,
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
      lifstone generate model.nir --out rtl --stores hidden=spram
      lifstone generate model.nir --out rtl --mesh 2x2
    """
    from .hdl import generate as make
    from .sim.nir_kernels import Shared, nir_kernels

    output_folder(out)
    parallel, kinds = lanes_from(lanes), stores_from(stores)
    tiles = None if mesh is None else mesh_from(mesh)
    plain = not kernels and not loadable and kinds == "auto"
    require(tiles is None or plain, "mesh", mesh, "no --kernels, --loadable or --stores beside it")
    imported, quantised = load(model, o)
    shared = nir_kernels(model, quantised.contract) if kernels else Shared({}, ())
    if tiles is not None:
        from .hdl.mesh import generate_mesh, plan_mesh

        plan = plan_mesh(quantised.contract, *tiles, tile_neurons)
        design = generate_mesh(plan, name, trace=trace, lanes=parallel)
    else:
        design = make(
            quantised.contract,
            name,
            trace=trace,
            lanes=parallel,
            stores=kinds,
            loadable=loadable,
            kernels=shared.kernels,
        )
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
@click.option("--board", required=True, help=f"{BOARD_NAMES}.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder to write.")
@click.option("--name", default="lifstone_net", show_default=True, help="Name of the design.")
@click.option("--kernels", is_flag=True, help="Store the kernels of convolutions once.")
@click.option("--framed", is_flag=True, help="Checked frames on the line: lifstone device.")
@click.option("--clock", help="Such as 24MHz, made by a PLL; the board's own unless given.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@lanes_option
@stores_option
@contract_options
@click.pass_context
def build(
    context: click.Context,
    /,
    model: Path,
    board: str,
    out: Path,
    name: str,
    kernels: bool,
    framed: bool,
    clock: str | None,
    lanes: str,
    stores: str,
    as_json: bool,
    **o: Any,
) -> None:
    """Make a bitstream of MODEL (.nir) for a board, with figures from the tools' reports.

    Weights in SPRAM lie behind the bitstream in the same file and are copied at power-up. Exit
    code 1 if the design turns out slower than its clock.

    \b
    Examples:
      lifstone build model.nir --board ulx3s --out bitstream --clock 50MHz
      lifstone build model.nir --board icebreaker --out bitstream --stores hidden=spram
    """
    from .golden.systems import Quantity
    from .hdl.boards import find_board
    from .hdl.build import build as make
    from .sim.nir_kernels import Shared, nir_kernels
    from .units import parse_value

    find_board(board)
    output_folder(out)
    parallel, kinds = lanes_from(lanes), stores_from(stores)
    hertz = Quantity("clock", 12e6, "Hz", "of the network", low=0, open_low=True)
    frequency = None if clock is None else float(parse_value(hertz, clock))
    imported, quantised = load(model, o)
    shared = nir_kernels(model, quantised.contract) if kernels else Shared({}, ())
    with progress() as bar:
        task = bar.add_task("build", total=None)
        result = make(
            quantised.contract,
            board,
            out,
            name=name,
            lanes=parallel,
            stores=kinds,
            clock=frequency,
            kernels=shared.kernels,
            framed=framed,
            progress=lambda stage: bar.update(task, description=stage),
        )
    if as_json:
        emit_json(result.to_dict())
    else:
        assumed(imported)
        for line in shared.reasons:
            click.echo(line)
        for key, value in result.table().items():
            click.echo(f"{key}: {value}")
        if not result.meets_timing:
            click.echo("too slow for this clock: ask for a slower --clock, or take fewer bits")
        click.echo(f"written to {out}; load it with: {result.flash}")
    context.exit(0 if result.meets_timing else 1)

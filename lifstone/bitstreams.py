"""The digits network for every board, and what it takes of each: ``make bitstreams``.

::

    python -m lifstone.bitstreams --out out/bitstreams [--board icebreaker] [--stores hidden=spram]

Cells, memories and Fmax are the tools' own; the energy of an image is an estimate
(:mod:`lifstone.hdl.energy`), over the test images.
"""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import click

from .case import contract_of
from .console import write_text
from .golden import InvalidValue, Widths
from .hdl.boards import BOARDS, find_board
from .hdl.build import BuildReport, build
from .hdl.energy import Energy, energy_of_run
from .options import lanes_from, stores_from
from .sim.digits import encode, load_digits
from .sim.nir_read import read_nir
from .sim.simulate import Simulator

__all__ = ["HEAD", "main", "table_row"]

HEAD = (
    "| board | device | cells | RAM | SPRAM | DSP | clock, MHz | Fmax, MHz | bytes "
    "| nJ an image, estimate |\n|---|---|---|---|---|---|---|---|---|---|"
)


def table_row(report: BuildReport, energy: Energy) -> str:
    """A row of Markdown."""
    used = {k: f"{n:,}" for k, n in report.used.items()}
    figures = [used.get(k, "-") for k in ("logic cells", "RAM blocks", "SPRAM", "DSP")]
    clocks = [f"{report.clock / 1e6:g}", f"{report.fmax / 1e6:.1f}"]
    size = f"{report.bitstream.stat().st_size:,}"
    rest = [*clocks, size, f"{energy.total * 1e9:.0f}"]
    return "| " + " | ".join([report.board, report.device, *figures, *rest]) + " |"


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path("out/bitstreams"))
@click.option("--board", "boards", multiple=True, default=BOARDS, help="All unless given.")
@click.option("--lanes", default="1")
@click.option("--stores", default="auto")
def main(out: Path, boards: tuple[str, ...], lanes: str, stores: str) -> None:
    """Build and print the table; ``boards.json`` holds the figures."""
    model = Path(str(files("lifstone") / "data" / "digits.nir"))
    contract = contract_of(read_nir(model).network, Widths()).contract
    images = encode(load_digits().test_images)
    inputs = {next(iter(contract.inputs)): images}
    traces = Simulator(contract).run(inputs, record=("spikes",))
    rows = []
    click.echo(HEAD)
    for board in boards:
        energy = energy_of_run(contract, inputs, traces, find_board(board).family)
        try:
            report = build(
                contract,
                board,
                out / board,
                name="digits",
                lanes=lanes_from(lanes),
                stores=stores_from(stores),
            )
        except InvalidValue as refused:
            click.echo(f"{board}: {refused}", err=True)
            continue
        click.echo(table_row(report, energy))
        rows.append({**report.to_dict(), "energy": energy.to_dict()})
    write_text(out / "boards.json", json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()

"""The forecast of area and clocks against the tools and the compiled RTL.

::

    python -m bench.forecast MODEL.nir --board icebreaker --lanes 1 --lanes hidden=4,digit=1 \\
        [--widths widths.toml] [--stimulus spikes.npz]

prints a row of Markdown for each ``--lanes``: forecast, then measured, of the whole bitstream.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import click
import numpy as np

from lifstone.golden import InvalidValue
from lifstone.hdl.build import build
from lifstone.hdl.devices import CELLS, DSP, RAM
from lifstone.hdl.estimate import estimate
from lifstone.hdl.latency import forecast, spike_counts
from lifstone.options import lanes_from, load
from lifstone.sim.digits import encode, load_digits
from lifstone.sim.simulate import Simulator

from .lanes import clocks

HEAD = "| lanes | cells | RAM | DSP | clocks an image: mean, worst |"


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--board", required=True)
@click.option("--lanes", "each", multiple=True, default=("1", "2", "4"))
@click.option("--widths", "widths_path", type=click.Path(path_type=Path))
@click.option("--stimulus", type=click.Path(path_type=Path), help="Digits unless given.")
def main(
    model: Path, board: str, each: tuple[str, ...], widths_path: Path | None, stimulus: Path | None
) -> None:
    """Print forecast and measurement of MODEL on a board."""
    options = {"dt": None, "method": None, "widths_path": widths_path}
    contract = load(model, options)[1].contract
    name = next(iter(contract.inputs))
    if stimulus is None:
        spikes = encode(load_digits().test_images)
    else:
        with np.load(stimulus, allow_pickle=False) as archive:
            spikes = np.asarray(archive[name])
    traces = Simulator(contract).run({name: spikes}, record=("spikes",))
    counts = spike_counts({name: spikes, **{n: t.spikes for n, t in traces.items()}})
    click.echo(f"{HEAD}\n|---|---|---|---|---|")
    for text in each:
        lanes = lanes_from(text)
        said = estimate(contract, board, lanes, move=False).used
        soon = forecast(contract, lanes, counts)
        mean, worst = clocks(contract, lanes, spikes)
        try:
            with tempfile.TemporaryDirectory() as folder:
                used = build(contract, board, Path(folder) / "out", lanes=lanes).used
        except InvalidValue as refused:
            click.echo(f"| {text} | {refused} | | | |")
            continue
        cells, ram, dsp = (f"{said[k]:,}, {used.get(k, 0):,}" for k in (CELLS, RAM, DSP))
        click.echo(
            f"| {text} | {cells} | {ram} | {dsp} "
            f"| {soon.mean():,.0f}, {soon.max():,.0f}; {mean:,.0f}, {worst:,} |",
        )


if __name__ == "__main__":
    main()

"""Area against latency: what lanes cost on a board, and what an image then takes.

::

    python -m bench.lanes MODEL.nir --board icebreaker --lanes 1 --lanes 2 \\
        [--stimulus spikes.npz] [--steps 16]

prints a row of Markdown for each ``--lanes``. Cells, RAM, DSP and Fmax are the tools' own; clocks
are those of the compiled RTL without trace, whose spikes must equal the contract's. With ``--bare``
the network is placed alone, with free pins: for one that has too many lines for the serial line.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from lifstone.golden import InvalidValue, NetworkContract
from lifstone.hdl import generate
from lifstone.hdl.boards import Board, find_board
from lifstone.hdl.build import _fmax, _synthesise, _tool, _utilisation, build
from lifstone.options import lanes_from, load
from lifstone.sim.dataset import load_dataset
from lifstone.sim.digits import encode, load_digits
from lifstone.sim.rtl.bulk import BulkRtl
from lifstone.sim.simulate import Simulator
from lifstone.sim.train_mnist import STEPS, THRESHOLDS

HEAD = "| lanes | cells | RAM | DSP | Fmax, MHz | clocks an image: mean, worst | us an image |"
GOAL = 100.0
"""What the placer of a bare network aims at, MHz; there is no board whose clock it must meet."""
OPTIONS = {
    "dt": None,
    "method": None,
    "state_bits": 16,
    "fraction_bits": None,
    "syn_bits": None,
    "weight_bits": 8,
    "decay_bits": 12,
    "decay_mode": "multiply",
    "rounding": "nearest",
}

Figures = tuple[dict[str, int], float]


def alone(contract: NetworkContract, lanes: int | dict[str, int], board: Board) -> Figures:
    """Resources and Fmax of the network without the serial line (ECP5)."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        text = generate(contract, "net", lanes=lanes).verilog
        (work / "net.v").write_text(text, encoding="utf-8")
        _synthesise(work, "net", board)
        size = board.device.split("-")[1].removesuffix("F")
        place = [f"--{size}k", "--package", "CABGA381", "--lpf-allow-unconstrained"]
        report = ["--json", "net.json", "--textcfg", "net.config", "--report", "report.json"]
        goal = ["--freq", f"{GOAL:g}", "--timing-allow-fail", "--seed", "1"]
        _tool("nextpnr-ecp5", [*place, *report, *goal], work)
        data = json.loads((work / "report.json").read_text(encoding="utf-8"))
        return _utilisation(data, board)[0], _fmax(data)


def on_board(contract: NetworkContract, lanes: int | dict[str, int], board: Board) -> Figures:
    """Resources and Fmax of the whole bitstream."""
    with tempfile.TemporaryDirectory() as folder:
        built = build(contract, board.name, Path(folder) / "out", lanes=lanes)
        return built.used, built.fmax


def clocks(
    contract: NetworkContract, lanes: int | dict[str, int], spikes: NDArray[np.uint8]
) -> tuple[float, int]:
    """Mean and worst clocks of the samples, once their spikes have been found right."""
    name = next(iter(contract.inputs))
    run = BulkRtl(generate(contract, lanes=lanes)).run({name: spikes})
    assert run.failure == "", run.failure
    expected = Simulator(contract).run({name: spikes}, record=("spikes",))
    for population, trace in run.traces.items():
        np.testing.assert_array_equal(trace.spikes, expected[population].spikes)
    return float(np.mean(run.cycles)), max(run.cycles)


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--board", required=True)
@click.option("--lanes", "each", multiple=True, default=("1", "2", "4", "8"))
@click.option("--stimulus", type=click.Path(path_type=Path), help="Digits unless given.")
@click.option("--mnist", type=click.Path(path_type=Path), help="The first 500 MNIST test images.")
@click.option("--bare", is_flag=True)
def main(
    model: Path,
    board: str,
    each: tuple[str, ...],
    stimulus: Path | None,
    mnist: Path | None,
    bare: bool,
) -> None:
    """Print a table of MODEL on a board."""
    chosen, contract = find_board(board), load(model, OPTIONS)[1].contract
    if mnist is not None:
        data = load_dataset(str(mnist), STEPS, THRESHOLDS)
        spikes = data.spikes(data.test_images[:500])
    elif stimulus is None:
        spikes = encode(load_digits().test_images)
    else:
        with np.load(stimulus, allow_pickle=False) as archive:
            spikes = np.asarray(archive[next(iter(contract.inputs))])
    click.echo(f"{HEAD}\n|---|---|---|---|---|---|---|")
    for text in each:
        lanes = lanes_from(text)
        try:
            used, fmax = (alone if bare else on_board)(contract, lanes, chosen)
        except InvalidValue as refused:
            click.echo(f"| {text} | does not fit: {refused.value} | | | | | |")
            continue
        mean, worst = clocks(contract, lanes, spikes)
        cells, ram, dsp = (used.get(k, 0) for k in ("logic cells", "RAM blocks", "DSP"))
        click.echo(
            f"| {text} | {cells:,} | {ram} | {dsp} | {fmax / 1e6:.1f} "
            f"| {mean:,.0f}, {worst:,} | {mean / fmax * 1e6:.0f} |"
        )


if __name__ == "__main__":
    main()

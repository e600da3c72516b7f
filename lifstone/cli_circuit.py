"""The command that writes the ready circuits as NIR files."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from .console import emit_json
from .golden import Network
from .golden.balanced import CV_BAND, RATE_TOLERANCE, Balanced, firing
from .golden.errors import require
from .golden.relay_circuit import RELIABILITY_TOLERANCE, RelayCircuit, reliability
from .options import output_file
from .sim.nir_write import write_nir
from .sim.simulate import Simulator
from .sim.whole_file import whole_file

__all__ = ["circuit"]

Bits = NDArray[np.uint8]
SETTLED = 0.2
"""Seconds of a balanced run before rates count."""


@dataclass(frozen=True)
class _Row:
    """A figure of the network layer, and what theory gives for it, if anything, with its band."""

    name: str
    measured: float
    expected: float | None = None
    low: float = -math.inf
    high: float = math.inf

    @property
    def good(self) -> bool:
        return self.expected is None or self.low <= self.measured <= self.high

    def __str__(self) -> str:
        if self.expected is None:
            return f"{self.name}: {self.measured:.3g}, theory makes no claim"
        band = f"band {self.low:.3g} to {self.high:.3g}"
        return f"{self.name}: {self.measured:.3g}, theory {self.expected:.3g}, {band}"


@click.command()
@click.argument("name", type=click.Choice(["balanced", "relay"]))
@click.option("--out", type=click.Path(path_type=Path), required=True, help="NIR file to write.")
@click.option("--neurons", type=int, help="Neurons; four in five of a balanced one excite.")
@click.option("--rate", type=float, default=30.0, show_default=True, help="Pallidal rate, Hz.")
@click.option("--seconds", type=float, default=2.0, show_default=True, help="Duration of the run.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of wiring and stimulus.")
@click.option("--stimulus", type=click.Path(path_type=Path), help="Write the input spikes (.npz).")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@click.pass_context
def circuit(
    context: click.Context,
    name: str,
    out: Path,
    neurons: int | None,
    rate: float,
    seconds: float,
    seed: int,
    stimulus: Path | None,
    as_json: bool,
) -> None:
    """Write the circuit NAME as a NIR file, run it on the network layer, hold it against theory.

    Exit code 1 where a figure lies outside its band.

    \b
    Examples:
      lifstone circuit balanced --out net.nir --stimulus drive.npz
      lifstone circuit relay --out relay.nir --rate 60 --stimulus spikes.npz
      lifstone verify relay.nir --stimulus spikes.npz
    """
    output_file("out", out)
    output_file("stimulus", stimulus)
    require(stimulus is None or stimulus.suffix == ".npz", "stimulus", str(stimulus), "a .npz name")
    require(0 < seconds <= 600, "seconds", seconds, "above 0, at most 600")
    require(seed >= 0, "seed", seed, "0 or greater")
    run = _balanced if name == "balanced" else _relay
    network, spikes, rows = run(neurons, rate, seconds, seed)
    write_nir(network, out)
    if stimulus is not None:
        with whole_file(stimulus) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **spikes)
    if as_json:
        emit_json({"circuit": name, "rows": [{**asdict(r), "good": r.good} for r in rows]})
    else:
        for r in rows:
            click.echo(str(r))
        click.echo(f"written to {out}")
    context.exit(0 if all(r.good for r in rows) else 1)


def _spikes(network: Network, inputs: dict[str, Bits]) -> NDArray[np.bool_]:
    """Spikes of all output populations side by side, ``(steps, n)``."""
    run = Simulator(network).run({k: a[:, None] for k, a in inputs.items()}, record=("spikes",))
    return np.concatenate([run[name].spikes[:, 0] for name in network.outputs], axis=1)


def _balanced(
    neurons: int | None, _: float, seconds: float, seed: int
) -> tuple[Network, dict[str, Any], list[_Row]]:
    total = 200 if neurons is None else neurons
    least = 55  # 44 of them excite, of which each neuron listens to 40
    require(total % 5 == 0 and total >= least, "neurons", total, f"a multiple of 5 from {least} on")
    require(seconds > 2 * SETTLED, "seconds", seconds, f"above {2 * SETTLED:g} s")
    b = Balanced(excitatory=total * 4 // 5, inhibitory=total // 5, seed=seed)
    network, spikes = b.network(), b.stimulus(round(seconds / b.dt), seed)
    theory = b.mean_field()
    found = firing(_spikes(network, spikes)[round(SETTLED / b.dt) :], b.dt)
    low, high = (theory.rate * (1 + s * RATE_TOLERANCE) for s in (-1, 1))
    rows = [
        _Row("rate (Hz)", found.rate, theory.rate, low, high),
        _Row("coefficient of variation", found.cv, theory.cv, *CV_BAND),
    ]
    return network, spikes, rows


def _relay(
    neurons: int | None, rate: float, seconds: float, seed: int
) -> tuple[Network, dict[str, Any], list[_Row]]:
    c = RelayCircuit() if neurons is None else RelayCircuit(neurons=neurons)
    spikes = c.stimulus(rate, seconds, seed)
    network = c.network()
    got = reliability(_spikes(network, spikes), c.pulses(seconds), c.dt)
    theory = c.expected_reliability(rate)
    row = _Row("reliability", got)
    if theory is not None:
        low, high = theory - RELIABILITY_TOLERANCE, theory + RELIABILITY_TOLERANCE
        row = _Row("reliability", got, theory, low, high)
    return network, spikes, [row]

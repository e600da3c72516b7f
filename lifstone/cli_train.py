"""``lifstone train``: a network for the hardware it will run on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import numpy as np

from .console import emit_json, progress
from .golden import InvalidValue, Widths
from .golden.errors import require
from .sim.dataset import DIGITS, Dataset, load_dataset
from .sim.digits import decode
from .sim.training import Epoch, Run, Settings, begin, network, resume
from .sim.training import train as run_training
from .sim.whole_file import whole_file

__all__ = ["train"]


@click.command()
@click.option("--data", "name", default=DIGITS, show_default=True, help="digits, or an IDX folder.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The .nir to write.")
@click.option("--hidden", default="64", show_default=True, help="Neurons a layer: 128 or 128,64.")
@click.option("--steps", type=int, help="Time steps an image; 16 for digits, else 8.")
@click.option("--epochs", type=int, default=60, show_default=True, help="Passes.")
@click.option("--batch", type=int, default=64, show_default=True, help="Images a step.")
@click.option("--rate", type=float, default=4e-3, show_default=True, help="First learning rate.")
@click.option("--seed", type=int, default=1, show_default=True, help="Weights, order.")
@click.option("--weight-bits", type=int, default=8, show_default=True, help="Words of weights.")
@click.option("--surrogate", default="fast-sigmoid", show_default=True, help="Gradient.")
@click.option("--spike-cost", type=float, default=0.0, show_default=True, help="Nats a spike.")
@click.option("--checkpoint", type=click.Path(path_type=Path), help="Saved after every epoch.")
@click.option("--resume", "go_on", is_flag=True, help="Go on from the checkpoint.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def train(
    name: str,
    out: Path,
    hidden: str,
    steps: int | None,
    checkpoint: Path | None,
    go_on: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Train a spiking classifier through the rounding of its hardware.

    \b
    Examples:
      lifstone train --out digits.nir
      lifstone train --data mnist --hidden 128 --epochs 12 --out mnist.nir --checkpoint run.npz
    """
    from .sim.nir_write import write_nir

    require(out.suffix == ".nir", "out", str(out), "a name that ends in .nir")
    require(steps is None or 1 <= steps <= 1000, "steps", steps, "1 to 1000")
    sizes = _sizes(hidden)
    settings = Settings(hidden=sizes, **options)
    data = load_dataset(name, steps)
    run = _start(settings, data, checkpoint, go_on)
    layers = _train(run, data, checkpoint)
    write_nir(network(layers), out)
    found = _measure(run, data)
    if as_json:
        emit_json({"out": str(out), "settings": asdict(settings), **found,
                   "history": [asdict(e) for e in run.history]})  # fmt: skip
        return
    for key, value in found.items():
        click.echo(f"{key.replace('_', ' ')}: {value:.6g}")
    click.echo(f"written to {out}")


def _sizes(text: str) -> tuple[int, ...]:
    parts = text.split(",")
    good = all(p.strip().isdigit() and len(p) < 7 for p in parts)
    require(good, "hidden", text, "whole numbers, comma separated")
    return tuple(int(p) for p in parts)


def _start(settings: Settings, data: Dataset, checkpoint: Path | None, go_on: bool) -> Run:
    if not go_on:
        return begin(settings, data)
    require(checkpoint is not None, "resume", True, "together with --checkpoint")
    assert checkpoint is not None
    require(checkpoint.is_file(), "checkpoint", str(checkpoint), "an existing checkpoint")
    try:
        with np.load(checkpoint, allow_pickle=False) as archive:
            state = {k: np.asarray(archive[k]) for k in archive.files}
    except Exception as error:  # np.load and zipfile raise a dozen kinds on a broken archive
        raise InvalidValue("checkpoint", str(checkpoint), "an unbroken checkpoint") from error
    return resume(settings, data, state)


def _save(run: Run, path: Path) -> None:
    """The whole checkpoint or the one before."""
    arrays: dict[str, Any] = dict(run.state())
    # An open file keeps its name: given a path, NumPy would add an ending.
    with whole_file(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **arrays)


def _train(run: Run, data: Dataset, checkpoint: Path | None) -> Any:
    with progress() as bar:
        task = bar.add_task("train", total=float(run.settings.epochs))
        bar.update(task, completed=float(len(run.history)))
        return run_training(run, data, _reporter(bar, task, checkpoint))


def _reporter(bar: Any, task: Any, checkpoint: Path | None) -> Callable[[Run, float], None]:
    def report(run: Run, done: float) -> None:
        whole = done == 1.0
        epochs = len(run.history) - (1 if whole else 0)
        last = run.history[-1] if run.history else None
        label = f"epoch {epochs + 1}"
        if last is not None:
            label += f", accuracy {last.accuracy:.2%}, loss {last.loss:.3f}"
        bar.update(task, completed=epochs + done, description=label)
        if whole and checkpoint is not None:
            _save(run, checkpoint)

    return report


def _measure(run: Run, data: Dataset, batch: int = 1000) -> dict[str, float]:
    """Accuracy in float and in the contract, spikes and synaptic operations a test image."""
    from .case import contract_of
    from .sim.simulate import Simulator
    from .sim.training import evaluate, rounded

    layers = rounded(run.layers, run.settings)
    last = run.history[-1] if run.history else Epoch(0, float("nan"), *evaluate(layers, data))
    contract = contract_of(network(layers), Widths(weight=run.settings.weight_bits)).contract
    simulator = Simulator(contract)
    right = operations = 0
    for start in range(0, len(data.test_labels), batch):
        part = slice(start, start + batch)
        inputs = {"pixels": data.spikes(data.test_images[part])}
        traces = simulator.run(inputs, record=("spikes",))
        right += int((decode(traces["digit"].spikes) == data.test_labels[part]).sum())
        operations += simulator.operations(inputs, traces)
    n = len(data.test_labels)
    return {
        "accuracy_float": last.accuracy,
        "accuracy_contract": right / n,
        "test_images": float(n),
        "hidden_spikes_an_image": last.spikes,
        "synaptic_operations_an_image": operations / n,
    }

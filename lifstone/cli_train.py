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
from .golden.systems import Panel, Result, Series
from .options import output_file
from .sim.dataset import DIGITS, Samples, load_samples
from .sim.digits import decode
from .sim.training import Run, Settings, begin, network, resume
from .sim.training import train as run_training
from .sim.whole_file import whole_file

__all__ = ["train"]


@click.command()
@click.option("--data", "name", default=DIGITS, show_default=True,
              help="digits, delayed-match, or a folder: IDX, N-MNIST, SHD, Braille.")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The .nir to write.")
@click.option("--hidden", default="64", show_default=True, help="Neurons a layer: 128 or 128,64.")
@click.option("--steps", type=int, help="Time steps an image; 16 for digits, else 8.")
@click.option("--epochs", type=int, default=60, show_default=True, help="Passes.")
@click.option("--batch", type=int, default=64, show_default=True, help="Images a step.")
@click.option("--rate", type=float, default=4e-3, show_default=True, help="First learning rate.")
@click.option("--seed", type=int, default=1, show_default=True, help="Weights, order.")
@click.option("--weight-bits", type=int, default=8, show_default=True, help="Words of weights.")
@click.option("--surrogate", default="fast-sigmoid", show_default=True, help="Gradient.")
@click.option("--slope", type=float, default=5.0, show_default=True, help="Of the gradient.")
@click.option("--spike-cost", type=float, default=0.0, show_default=True, help="Nats a spike.")
@click.option("--spike-score", type=float, default=2.0, show_default=True, help="Nats an answer.")
@click.option("--neuron", default="leaky", show_default=True, help="leaky, or perfect: no leak.")
@click.option("--thresholds", default="", help="Code bright pixels: 60,180 spikes once or twice.")
@click.option("--recurrent", is_flag=True, help="Hidden neurons reach each other.")
@click.option("--augment", type=float, default=0.0, show_default=True, help="Distort images: 1.")
@click.option("--checkpoint", type=click.Path(path_type=Path), help="Saved after every epoch.")
@click.option("--resume", "go_on", is_flag=True, help="Go on from the checkpoint.")
@click.option("--plot", type=click.Path(path_type=Path), help="Draw the learning curves.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def train(
    name: str,
    out: Path,
    hidden: str,
    steps: int | None,
    thresholds: str,
    checkpoint: Path | None,
    go_on: bool,
    plot: Path | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Train a spiking classifier through the rounding of its hardware.

    \b
    Examples:
      lifstone train --out digits.nir
      lifstone train --data mnist --hidden 128 --epochs 12 --out mnist.nir --checkpoint run.npz
      lifstone train --neuron perfect --thresholds 3,9 --steps 12 --slope 2 --out sparse.nir
    """
    from .sim.nir_write import write_nir

    require(out.suffix == ".nir", "out", str(out), "a name that ends in .nir")
    require(steps is None or 1 <= steps <= 1000, "steps", steps, "1 to 1000")
    if plot is not None:
        from .panels import FORMATS

        require(plot.suffix in FORMATS, "plot", str(plot), f"a name in {', '.join(FORMATS)}")
        output_file("plot", plot)
    settings = Settings(hidden=_numbers("hidden", hidden), **options)
    levels = _numbers("thresholds", thresholds) if thresholds else ()
    data = load_samples(name, steps, levels)
    run = _start(settings, data, checkpoint, go_on)
    layers = _train(run, data, checkpoint)
    write_nir(network(layers, settings), out)
    if plot is not None:
        from .panels import draw, save_figure

        save_figure(draw(_curves(run), f"Learning curves of {out.name}"), plot)
    found = _measure(run, data)
    if as_json:
        emit_json({"out": str(out), "settings": asdict(settings), **found,
                   "history": [asdict(e) for e in run.history]})  # fmt: skip
        return
    for key, value in found.items():
        click.echo(f"{key.replace('_', ' ')}: {value:.6g}")
    click.echo(f"written to {out}")


def _numbers(field: str, text: str) -> tuple[int, ...]:
    parts = text.split(",")
    good = all(p.strip().isdigit() and len(p) < 7 for p in parts)
    require(good, field, text, "whole numbers, comma separated")
    return tuple(int(p) for p in parts)


def _start(settings: Settings, data: Samples, checkpoint: Path | None, go_on: bool) -> Run:
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


def _train(run: Run, data: Samples, checkpoint: Path | None) -> Any:
    with progress() as bar:
        task = bar.add_task("train", total=float(run.settings.epochs))
        bar.update(task, completed=float(len(run.history)))
        return run_training(run, data, _reporter(bar, task, checkpoint))


def _reporter(bar: Any, task: Any, checkpoint: Path | None) -> Callable[[Run, float], None]:
    def report(run: Run, done: float) -> None:
        whole = done == 1.0
        epochs = len(run.history) - (1 if whole else 0)
        loss, accuracy = run.so_far
        label = f"epoch {min(epochs + 1, run.settings.epochs)}, loss {loss:.3f}"
        label += f", accuracy {accuracy:.2%}"
        if run.history:
            label += f", test {run.history[-1].accuracy:.2%}"
        bar.update(task, completed=epochs + done, description=label)
        if whole and checkpoint is not None:
            _save(run, checkpoint)

    return report


def _curves(run: Run) -> Result:
    """Loss, accuracy and hidden spikes by epoch."""
    epochs = np.array([e.number for e in run.history])

    def series(label: str, key: str, role: str = "model") -> Series:
        return Series(label, epochs, np.array([getattr(e, key) for e in run.history]), role)

    accuracy = (series("test", "accuracy"), series("training", "train_accuracy", "context"))
    panels = (
        Panel("Loss", "epoch", "1", "nats", "1", (series("training", "loss"),), y_log=True),
        Panel("Accuracy", "epoch", "1", "share of samples", "1", accuracy),
        Panel("Hidden spikes a test sample", "epoch", "1", "spikes", "1", (series("", "spikes"),)),
    )
    return Result("train", {}, (), (), panels)


def _measure(run: Run, data: Samples, batch: int = 1000) -> dict[str, float]:
    """Accuracy in float and in the contract, spikes and synaptic operations a test image."""
    from .case import contract_of
    from .sim.simulate import Simulator
    from .sim.training import evaluate, rounded

    layers = rounded(run.layers, run.settings)
    accuracy, spikes = evaluate(layers, data)
    widths = Widths(weight=run.settings.weight_bits)
    contract = contract_of(network(layers, run.settings), widths).contract
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
        "accuracy_float": accuracy,
        "accuracy_contract": right / n,
        "test_images": float(n),
        "hidden_spikes_an_image": spikes,
        "synaptic_operations_an_image": operations / n,
    }

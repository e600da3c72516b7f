"""``lifstone convert``: a network of rectified linear units as a spiking one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from .console import emit_json, progress, write_text
from .golden import Widths
from .golden.conversion.convert import Bias
from .golden.errors import require
from .options import output_file
from .sim.dataset import DIGITS, load_dataset

if TYPE_CHECKING:
    from .golden.systems import Result
    from .sim.converted import Curve

__all__ = ["convert"]


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The .nir to write.")
@click.option("--data", "name", default=DIGITS, show_default=True, help="digits, or an IDX folder.")
@click.option("--steps", type=int, default=64, show_default=True, help="Time steps an image.")
@click.option("--bias", default="current", show_default=True, help=" or ".join(Bias) + ".")
@click.option("--bias-rate", type=float, help="Spikes a step of the bias neuron.")
@click.option("--percentile", type=float, default=99.9, show_default=True,
              help="Of the activations: what one spike a step stands for.")  # fmt: skip
@click.option("--weight-bits", type=int, default=8, show_default=True, help="Of the contract.")
@click.option("--curve", type=click.Path(path_type=Path), help="Accuracy by steps, .csv.")
@click.option("--plot", type=click.Path(path_type=Path), help="The same as .svg, .png or .pdf.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def convert(
    model: Path,
    out: Path,
    name: str,
    steps: int,
    bias: str,
    bias_rate: float | None,
    percentile: float,
    weight_bits: int,
    curve: Path | None,
    plot: Path | None,
    as_json: bool,
) -> None:
    """Convert MODEL, a rectified network in .onnx or .safetensors, to spiking neurons.

    \b
    Examples:
      lifstone convert relu.onnx --out spiking.nir --curve steps.csv
      lifstone convert relu.safetensors --data mnist --bias neuron --out spiking.nir
    """
    from .sim.converted import follow, point, spiking
    from .sim.nir_write import write_nir
    from .sim.relu_read import read_relu

    _check(out, steps, curve, plot)
    relu = read_relu(model)
    data = load_dataset(name)
    made = spiking(relu, data, bias, percentile=percentile, bias_rate=bias_rate)
    widths = Widths(weight=weight_bits)
    network = point(made, data, steps, widths)
    with progress() as bar:
        task = bar.add_task("test images", total=len(data.test_labels))
        found = follow(made, relu, network, data, steps, widths,
                       lambda done: bar.update(task, completed=done))  # fmt: skip
    write_nir(network, out)
    if curve is not None:
        write_text(curve, _table(found))
    if plot is not None:
        from .panels import draw, save_figure

        save_figure(draw(_panels(found), f"{model.name} as a spiking network"), plot)
    figures = {
        "accuracy_relu": found.relu,
        "accuracy_float": float(found.spiking[-1]),
        "accuracy_contract": float(found.contract[-1]),
        "test_images": len(data.test_labels),
        "steps": steps,
        "largest_error_over_bound": list(found.shares),
        "hidden_spikes_an_image": found.spikes,
        "synaptic_operations_an_image": found.operations,
    }
    if as_json:
        emit_json({"out": str(out), **figures})
        return
    for key, value in figures.items():
        click.echo(f"{key.replace('_', ' ')}: {_text(value)}")
    click.echo(f"written to {out}")


def _check(out: Path, steps: int, curve: Path | None, plot: Path | None) -> None:
    """Refuse names and numbers before the work rather than after it."""
    from .panels import FORMATS

    require(out.suffix == ".nir", "out", str(out), "a name that ends in .nir")
    require(1 <= steps <= 4096, "steps", steps, "1 to 4096")
    for field, path, endings in (("curve", curve, (".csv",)), ("plot", plot, FORMATS)):
        good = path is None or path.suffix in endings
        require(good, field, str(path), f"a name in {', '.join(endings)}")
        output_file(field, path)
    output_file("out", out)


def _text(value: Any) -> str:
    parts = value if isinstance(value, list) else [value]
    return ", ".join(f"{v:.6g}" for v in parts)


def _table(found: Curve) -> str:
    rows = zip(found.spiking, found.contract, strict=True)
    lines = [f"{k},{a:.6g},{b:.6g},{found.relu:.6g}" for k, (a, b) in enumerate(rows, start=1)]
    return "\n".join(["step,float,contract,relu", *lines]) + "\n"


def _panels(found: Curve) -> Result:
    from .golden.systems import Panel, Result, Series

    k = np.arange(1, len(found.spiking) + 1)
    series = (
        Series("rectified units", k, np.full(k.size, found.relu), "reference"),
        Series("spiking", k, found.spiking),
        Series("contract", k, found.contract),
    )
    panel = Panel("Accuracy against steps", "steps", "1", "accuracy", "1", series, x_log=True)
    return Result("convert", {}, (), (), (panel,))

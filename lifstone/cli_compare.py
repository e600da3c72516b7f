"""The command that holds one network in the arithmetic of several platforms: compare."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from .console import assumed, emit_json, write_text
from .golden.errors import InvalidValue, require
from .golden.platforms.place import PLATFORMS
from .options import (
    grid_options,
    load_float,
    model_argument,
    output_file,
    rerun,
    stimulus_from,
    stimulus_options,
)

__all__ = ["compare"]


@click.command()
@model_argument
@click.option(
    "--platform",
    "platforms",
    default=",".join(PLATFORMS),
    show_default=True,
    help="Platforms, comma separated.",
)
@click.option("--labels", type=click.Path(path_type=Path), help="Right answers, .npy or .csv.")
@click.option("--chip", type=int, default=0, show_default=True, help="Seed of analog mismatch.")
@click.option("--choices", is_flag=True, help="Also: what each choice of discretisation moves.")
@click.option("--out", type=click.Path(path_type=Path), help="HTML file to write.")
@click.option("--json", "as_json", is_flag=True, help="Print the comparison as JSON.")
@grid_options
@stimulus_options
@click.pass_context
def compare(
    context: click.Context,
    /,
    model: Path,
    platforms: str,
    labels: Path | None,
    chip: int,
    choices: bool,
    out: Path | None,
    as_json: bool,
    **o: Any,
) -> None:
    """Run MODEL (.nir) in the arithmetic of neuromorphic platforms, beside floats.

    \b
    Examples:
      lifstone compare model.nir
      lifstone compare model.nir --platform loihi,spinnaker --steps 500
      lifstone compare model.nir --stimulus test.npz --labels test.npy --out compare.html
      lifstone compare model.nir --choices
    """
    from .compare_tables import choices_sheet, page, print_sheets, sheets
    from .sim.compare import compare as run
    from .sim.compare_choices import choices as vary

    output_file("out", out)
    chosen = list(dict.fromkeys(part.strip() for part in platforms.split(",")))
    for name in chosen:
        require(name in PLATFORMS, "platform", name, ", ".join(PLATFORMS))
    require(chip >= 0, "chip", chip, "0 or greater")
    imported = load_float(model, o)
    stimulus = stimulus_from(imported.network, o)
    right = None if labels is None else _labels(labels)
    result = run(imported.network, stimulus.spikes, chosen, right, chip=chip)
    moved = vary(imported.network, stimulus.spikes, right) if choices else ()
    shown = [*sheets(result), *([choices_sheet(moved)] if moved else [])]
    if out is not None:
        write_text(out, page(f"{model.name}: one model, {len(chosen)} platforms",
                             rerun(context), shown))  # fmt: skip
    if as_json:
        emit_json(
            {
                "model": model.name,
                "stimulus": stimulus.origin,
                **result.to_dict(),
                **({"choices": [vars(row) for row in moved]} if moved else {}),
                "assumptions": list(imported.assumptions),
            }
        )
        return
    print_sheets(shown)
    assumed(imported)
    if out is not None:
        click.echo(f"written to {out}")


def _labels(path: Path) -> NDArray[np.int64]:
    """Whole numbers, one a sample, from ``.npy`` or a table with one column."""
    require(path.is_file(), "labels", str(path), "an existing .npy or .csv file")
    try:
        table = (
            np.load(path, allow_pickle=False)
            if path.suffix.lower() == ".npy"
            else np.loadtxt(path, delimiter=",", ndmin=1)
        )
    except (OSError, ValueError, EOFError) as error:
        raise InvalidValue("labels", str(path), "whole numbers, one a sample") from error
    values = np.asarray(table).reshape(-1)
    whole = np.issubdtype(values.dtype, np.number) and bool((values == np.floor(values)).all())
    require(whole, "labels", str(path), "whole numbers, one a sample")
    return values.astype(np.int64)

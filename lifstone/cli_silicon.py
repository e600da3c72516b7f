"""The commands around the neuron of transistors: characterise it, make its datasheet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from .console import emit_json, json_text, progress, step_bar, write_text
from .golden.errors import InvalidValue, require
from .options import below_folder, output_file
from .ranges import numbers

__all__ = ["characterise", "datasheet"]


@click.command()
@click.option("--measure", default="tau", show_default=True, help="tau, ac, rate or energy.")
@click.option("--axis", "axes", multiple=True, help="NAME=VALUES; the last one runs fastest.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help=".nc or .zarr.")
@click.option("--journal", type=click.Path(path_type=Path), help="Go on from, and write to.")
@click.option("--timeout", default=600.0, show_default=True, help="Seconds a point may take.")
@click.option("--jobs", type=int, help="Processes; the number of cores unless given.")
@click.option("--json", "as_json", is_flag=True, help="Print the values as JSON.")
def characterise(
    measure: str,
    axes: tuple[str, ...],
    out: Path,
    journal: Path | None,
    timeout: float,
    jobs: int | None,
    as_json: bool,
) -> None:
    """Sweep the neuron of transistors over process, corners, dice, temperature and biases.

    Axes are technology, corner, ota, temperature, v_dd, c, i_bias, v_leak, v_th, v_reset, c_ref,
    i_ref, i_comparator, seed (a die each) and current. Values are numbers with or without unit,
    or ranges A:B:N and A:B:N:log, comma separated. A point that does not converge is tried with
    other solver options, which the dataset names. With --journal a killed sweep goes on where it
    was.

    \b
    Examples:
      lifstone characterise --axis corner=tt,ff,ss --axis i_bias=10pA:10nA:4:log --out tau.nc
      lifstone characterise --measure rate --axis current=1nA --axis seed=0:99:100 \\
        --journal dice.journal --out dice.zarr
    """
    from .sim.dataset_file import check_path, save
    from .sim.sweep.run import sweep_silicon

    check_path(out)
    below_folder("out", out)
    chosen: dict[str, Any] = {}
    for text in axes or ("corner=tt",):
        name, sign, values = text.partition("=")
        require(bool(sign), "axis", text, "NAME=VALUES")
        require(name not in chosen, "axis", name, "each axis once")
        chosen[name] = _values(name, values)
    with progress() as bar:
        tell = step_bar(bar)
        data = sweep_silicon(
            measure,
            chosen,
            journal=journal,
            workers=jobs,
            timeout=timeout,
            progress=lambda done, total, _left: tell(f"SPICE: {measure}", done, total),
        )
    save(data, out)
    if as_json:
        emit_json(data.to_dict())
    else:
        frame = data.drop_vars("attempts").to_dataframe()
        click.echo(frame.to_string())
        click.echo(f"written to {out}")
    failed = int((data["error"].values != "").sum())
    if failed:
        click.echo(f"{failed} of {data['error'].size} points failed", err=True)


def _values(name: str, text: str) -> list[Any]:
    from .sim.sweep.points import AXES

    require(name in AXES, "axis", name, ", ".join(AXES))
    if AXES[name] == "":
        return [item.strip() for item in text.split(",")]
    found = numbers(name, text, AXES[name])
    if name != "seed":
        return list(found)
    for value in found:
        if not value.is_integer():
            raise InvalidValue(name, value, "whole numbers")
    return [int(value) for value in found]


@click.command()
@click.argument("specification", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder for the files.")
@click.option("--jobs", type=int, help="Processes; the number of cores unless given.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.pass_context
def datasheet(
    ctx: click.Context, specification: Path, out: Path, jobs: int | None, as_json: bool
) -> None:
    """Measure a neuron of transistors against its SPECIFICATION (TOML).

    Writes datasheet.html, datasheet.md and datasheet.json. Exit code 1 if a limit is broken or a
    condition does not converge.

    \b
    Example:
      lifstone datasheet neuron.toml --out sheet
    """
    from .datasheet import measure, read_datasheet
    from .datasheet_page import to_dict, to_html, to_markdown

    sheet = read_datasheet(specification)
    files = {name: out / f"datasheet.{name}" for name in ("html", "md", "json")}
    for path in files.values():
        output_file("out", path)
    with progress() as bar:
        tell = step_bar(bar)
        found = measure(
            sheet, jobs=jobs, progress=lambda what, done, total: tell(f"SPICE: {what}", done, total)
        )
    data = to_dict(sheet, found)
    write_text(files["html"], to_html(sheet, found))
    write_text(files["md"], to_markdown(sheet, found))
    write_text(files["json"], json_text(data))
    if as_json:
        emit_json(data)
    else:
        click.echo(to_markdown(sheet, found))
        click.echo(f"written to {out}")
    if not data["passes"]:
        ctx.exit(1)

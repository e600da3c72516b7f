"""The commands that give verdicts: verify, report, demo."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import click

from .case import Case, choose_neurons, prepare
from .console import emit_json, progress, verdict_table, write_text
from .golden import InvalidValue
from .golden.errors import require
from .junit import junit
from .options import (
    contract_options,
    load,
    model_argument,
    output_folder,
    stimulus_from,
    stimulus_options,
)
from .report import Page, render
from .sim.nir_read import Imported
from .verify import BODIES, Options, Verification
from .verify import verify as run_verify

__all__ = ["demo", "report", "verify"]


def _verify_options(f: Any) -> Any:
    for option in reversed(
        (
            click.option("--bodies", default=",".join(BODIES), show_default=True, help="Which."),
            click.option(
                "--neurons",
                default="1",
                show_default=True,
                help="For SPICE: N a layer, or pop:j,...",
            ),
            click.option("--tolerance", type=float, help="SPICE spike times, seconds; one step."),
            click.option(
                "--design", type=click.Path(path_type=Path), help="Verify this RTL folder."
            ),
            click.option(
                "--strict", is_flag=True, help="Exit 1 also where integers moved a spike."
            ),
        )
    ):
        f = option(f)
    return contract_options(stimulus_options(f))


@click.command()
@model_argument
@click.option("--json", "as_json", is_flag=True, help="Print the table as JSON.")
@click.option("--junit", "junit_path", type=click.Path(path_type=Path), help="Write JUnit XML.")
@click.option("--report", "report_path", type=click.Path(path_type=Path), help="Write HTML.")
@_verify_options
@click.pass_context
def verify(
    context: click.Context,
    /,
    model: Path,
    as_json: bool,
    junit_path: Path | None,
    report_path: Path | None,
    **o: Any,
) -> None:
    """Run MODEL (.nir) on every body and print the verdicts.

    Exit code 0: every body agrees with its reference. 1: one deviates. A spike that the time
    grid or the integers moved is reported, and fails the run only with --strict.

    \b
    Examples:
      lifstone verify model.nir
      lifstone verify model.nir --stimulus spikes.npz --junit verdict.xml
      lifstone verify model.nir --design rtl --bodies rtl
    """
    imported, result = _run(model, o)
    if junit_path is not None:
        write_text(junit_path, junit(result, model.name, strict=o["strict"]))
    if report_path is not None:
        write_text(report_path, render(result, _page(model, imported)))
    good = result.faithful if o["strict"] else result.conforms
    if as_json:
        emit_json(
            {
                "model": model.name,
                "agrees": good,
                "stimulus": result.case.stimulus.origin,
                "steps": result.case.stimulus.steps,
                "samples": result.case.stimulus.samples,
                "rows": [row.to_dict() for row in result.rows],
                "assumptions": list(imported.assumptions),
            }
        )
    else:
        verdict_table(result)
        for line in imported.assumptions:
            click.echo(f"assumed: {line}")
    context.exit(0 if good else 1)


@click.command()
@model_argument
@click.option("--out", type=click.Path(path_type=Path), required=True, help="HTML file to write.")
@_verify_options
@click.pass_context
def report(context: click.Context, /, model: Path, out: Path, **o: Any) -> None:
    """Verify MODEL (.nir) and write the self-contained HTML report.

    \b
    Example:
      lifstone report model.nir --out report.html
    """
    require(not out.is_dir(), "out", str(out), "a file name such as report.html")
    imported, result = _run(model, o)
    write_text(out, render(result, _page(model, imported)))
    click.echo(f"written to {out}")
    context.exit(0 if (result.faithful if o["strict"] else result.conforms) else 1)


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path("out/demo"), show_default=True)
@click.option("--images", type=int, default=360, show_default=True, help="Test images, 1 to 360.")
@click.option("--board", default="icebreaker", show_default=True, help="Board, or none.")
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
@click.pass_context
def demo(context: click.Context, out: Path, images: int, board: str, as_json: bool) -> None:
    """Handwritten digits on all bodies: verdicts, bitstream and report.

    \b
    Example:
      lifstone demo --out out/demo
    """
    from .demo import run_demo

    output_folder(out)
    with progress() as bar:
        task = bar.add_task("digits", total=None)
        outcome = run_demo(out, images, board, lambda text: bar.update(task, description=text))
    if as_json:
        emit_json(outcome.to_dict())
    else:
        verdict_table(outcome.result)
        for line in outcome.sentences():
            click.echo(line)
    context.exit(0 if outcome.agrees else 1)


def _run(model: Path, o: dict[str, Any]) -> tuple[Imported, Verification]:
    bodies = tuple(part.strip() for part in o["bodies"].split(","))
    Options(bodies=bodies)
    imported, quantised = load(model, o)
    case = prepare(imported.network, quantised, stimulus_from(imported.network, o))
    options = Options(
        bodies=bodies,
        neurons=_neurons(case, o["neurons"]),
        spice_tolerance=o["tolerance"],
        design=_design(o["design"], case),
    )
    with progress() as bar:
        task = bar.add_task("verify", total=None)
        return imported, run_verify(case, options, lambda text: bar.update(task, description=text))


def _neurons(case: Case, text: str) -> tuple[tuple[str, int], ...]:
    if text.isdigit():
        return tuple(choose_neurons(case, int(text)))
    chosen = []
    for part in text.split(","):
        name, _, index = part.rpartition(":")
        known = ", ".join(case.model.populations)
        require(name in case.model.populations, "neurons", part, f"population:index of {known}")
        top = case.model.populations[name].n - 1
        if not index.isdigit() or int(index) > top:
            raise InvalidValue("neurons", part, f"{name}:0 to {name}:{top}")
        chosen.append((name, int(index)))
    return tuple(chosen)


def _design(folder: Path | None, case: Case) -> Any:
    if folder is None:
        return None
    from .hdl import read_design

    return read_design(folder, case.quantised.contract)


def _page(model: Path, imported: Imported) -> Page:
    return Page(
        title=f"{model.name}: one model, four bodies",
        lead="Does every body of this network spike as its reference does, and what do the "
        "time grid and the integers cost?",
        command=f"lifstone verify {shlex.quote(model.name)}",
        assumptions=imported.assumptions,
    )

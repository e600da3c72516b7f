"""The commands that give verdicts: verify, report, demo."""

from __future__ import annotations

import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from .case import Case, choose_neurons, prepare
from .console import assumed, emit_json, progress, step_bar, verdict_table, write_text
from .golden.errors import require
from .junit import junit
from .options import (
    contract_options,
    lanes_from,
    lanes_option,
    load,
    model_argument,
    named_neuron,
    output_file,
    output_folder,
    rerun,
    stimulus_from,
    stimulus_options,
    together,
)
from .resources import Grid, board_grid
from .sim.nir_read import Imported
from .sim.rtl.coverage import Coverage, measure
from .sim.rtl.waves import Window
from .verdicts import BODIES, Options, Verification
from .verdicts import verify as run_verify

__all__ = ["demo", "report", "verify"]

_own_options = together(
    click.option(
        "--bodies",
        default=",".join(BODIES),
        show_default=True,
        help="Which bodies to run, comma separated.",
    ),
    click.option(
        "--neurons",
        default="1",
        show_default=True,
        help="Compared in continuous time and in SPICE: so many of each population, those that "
        "fire first of all; or population:index, comma separated.",
    ),
    click.option(
        "--tolerance",
        type=float,
        help="Largest distance of spike times in SPICE, seconds; one step unless given.",
    ),
    click.option(
        "--design",
        type=click.Path(path_type=Path),
        help="Verify the RTL in this folder, as generate wrote it or edited since.",
    ),
    click.option(
        "--gate-level",
        is_flag=True,
        help="Simulate the netlist after synthesis for iCE40 in place of the RTL.",
    ),
    click.option(
        "--cocotb",
        help="Run the RTL under cocotb too, with pauses, back-pressure and resets: icarus, "
        "verilator or both, comma separated. At most 40 steps of the first sample.",
    ),
    click.option(
        "--strict",
        is_flag=True,
        help="Exit 1 also where the time grid or the integers moved a spike.",
    ),
)


def _verify_options(f: Any) -> Any:
    return _own_options(lanes_option(stimulus_options(contract_options(f))))


@click.command()
@model_argument
@click.option("--json", "as_json", is_flag=True, help="Print the table as JSON.")
@click.option("--junit", "junit_path", type=click.Path(path_type=Path), help="Write JUnit XML.")
@click.option("--report", "report_path", type=click.Path(path_type=Path), help="Write HTML.")
@click.option(
    "--coverage", is_flag=True, help="Say which lines and bits of the RTL the stimulus reached."
)
@click.option(
    "--waves",
    type=click.Path(path_type=Path),
    help="Folder for FST waves of the clocks around the place where the RTL deviates.",
)
@_verify_options
@click.pass_context
def verify(
    context: click.Context,
    /,
    model: Path,
    as_json: bool,
    junit_path: Path | None,
    report_path: Path | None,
    coverage: bool,
    waves: Path | None,
    **o: Any,
) -> None:
    """Run MODEL (.nir) on every body and print the verdicts.

    Exit code 0: every body agrees with its reference. 1: one deviates. A spike that the time
    grid or the integers moved is reported, and fails the run only with --strict.

    \b
    Examples:
      lifstone verify model.nir
      lifstone verify model.nir --neurons hidden:3,hidden:7 --steps 1000 --seed 5
      lifstone verify model.nir --stimulus spikes.npz --junit verdict.xml
      lifstone verify model.nir --design rtl --bodies rtl --cocotb icarus,verilator
      lifstone verify model.nir --bodies rtl --coverage
      lifstone verify model.nir --bodies rtl --gate-level
      lifstone verify model.nir --design rtl --bodies rtl --waves waves
    """
    if waves is not None:
        output_folder(waves)
    output_file("junit", junit_path)
    output_file("report", report_path)
    imported, result = _run(model, o)
    if junit_path is not None:
        write_text(junit_path, junit(result, model.name, strict=o["strict"]))
    if report_path is not None:
        _write_page(report_path, model, imported, result, rerun(context))
    good = _good(result, o)
    covered = _covered(result, o) if coverage else None
    window = None if waves is None else _window(result, o, waves)
    if as_json:
        more: dict[str, Any] = {} if covered is None else {"coverage": covered.to_dict()}
        if window is not None:
            more["waves"] = {**asdict(window), "path": str(window.path)}
        emit_json({**_data(model, imported, result, good), **more})
    else:
        verdict_table(result)
        assumed(imported)
        for line in covered.sentences() if covered is not None else ():
            click.echo(line)
        if window is not None:
            click.echo(window.sentence)
    context.exit(0 if good else 1)


@click.command()
@model_argument
@click.option("--out", type=click.Path(path_type=Path), required=True, help="HTML file to write.")
@click.option("--board", help="Build for this board too, and show what the network takes of it.")
@click.option("--json", "as_json", is_flag=True, help="Print the table as JSON.")
@_verify_options
@click.pass_context
def report(
    context: click.Context,
    /,
    model: Path,
    out: Path,
    board: str | None,
    as_json: bool,
    **o: Any,
) -> None:
    """Verify MODEL (.nir) and write the self-contained HTML report.

    Exit codes as those of verify.

    \b
    Examples:
      lifstone report model.nir --out report.html
      lifstone report model.nir --out report.html --board icebreaker
    """
    output_file("out", out)
    if board is not None:
        from .hdl.boards import find_board

        find_board(board)
    imported, result = _run(model, o)
    grids = [] if board is None else [_built(result, board, o["lanes"])]
    _write_page(out, model, imported, result, rerun(context), grids)
    good = _good(result, o)
    if as_json:
        emit_json({**_data(model, imported, result, good), "report": str(out)})
    else:
        click.echo(f"{'agrees' if good else 'deviates'}: written to {out}")
    context.exit(0 if good else 1)


@click.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("out/demo"),
    show_default=True,
    help="Folder to write.",
)
@click.option("--images", type=int, default=360, show_default=True, help="Test images, 1 to 360.")
@click.option("--board", default="icebreaker", show_default=True, help="Board, or none.")
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
@click.pass_context
def demo(context: click.Context, /, out: Path, images: int, board: str, as_json: bool) -> None:
    """Handwritten digits on all bodies: verdicts, bitstream and report.

    \b
    Examples:
      lifstone demo
      lifstone demo --out out/demo --images 20 --board none
    """
    from .demo import run_demo

    output_folder(out)
    with progress() as bar:
        outcome = run_demo(out, images, board, step_bar(bar))
    if as_json:
        emit_json(outcome.to_dict())
    else:
        verdict_table(outcome.result)
        for line in outcome.sentences():
            click.echo(line)
    context.exit(0 if outcome.agrees else 1)


def _run(model: Path, o: dict[str, Any]) -> tuple[Imported, Verification]:
    bodies = tuple(dict.fromkeys(part.strip() for part in o["bodies"].split(",")))
    benches = tuple(dict.fromkeys(part.strip() for part in (o["cocotb"] or "").split(",") if part))
    Options(bodies=bodies, spice_tolerance=o["tolerance"], cocotb=benches)
    imported, quantised = load(model, o)
    case = prepare(imported.network, quantised, stimulus_from(imported.network, o))
    options = Options(
        bodies=bodies,
        neurons=_neurons(case, o["neurons"]),
        spice_tolerance=o["tolerance"],
        design=_design(o, case),
        cocotb=benches,
    )
    with progress() as bar:
        return imported, run_verify(case, options, step_bar(bar))


def _neurons(case: Case, text: str) -> tuple[tuple[str, int], ...]:
    if text.strip().isdecimal():
        return tuple(choose_neurons(case, int(text)))
    known = {name: lif for name, lif in case.model.populations.items() if lif.spiking}
    allowed = f"a number, or population:index of {', '.join(known) or 'none: nothing spikes'}"
    chosen = [named_neuron("neurons", part, known, allowed) for part in text.split(",")]
    return tuple(dict.fromkeys(chosen))


def _design(o: dict[str, Any], case: Case) -> Any:
    """The design that ``--design``, ``--lanes`` or ``--gate-level`` names, or ``None``."""
    from .hdl import generate, read_design

    folder, contract = o["design"], case.quantised.contract
    if folder is not None:
        require(o["lanes"] == "1", "lanes", o["lanes"], "not given: the design has its own")
        return _synthesised(read_design(folder, contract), o)
    lanes = lanes_from(o["lanes"])
    if lanes == 1 and not o["gate_level"]:
        return None
    return _synthesised(generate(contract, trace=True, lanes=lanes), o)


def _synthesised(design: Any, o: dict[str, Any]) -> Any:
    """The netlist of ``design`` where ``--gate-level`` asks for it."""
    if not o["gate_level"]:
        return design
    from .sim.rtl.gate_level import gate_level

    return gate_level(design)


def _covered(result: Verification, o: dict[str, Any]) -> Coverage | None:
    """What the stimulus reaches of the RTL; of one that deviates it would say nothing."""
    from .hdl import generate
    from .sim.rtl.directed import directed_inputs
    from .sim.rtl.still import explained

    case = result.case
    if any(r.verdict.body == "rtl" and not r.verdict.agrees for r in result.rows):
        return None
    contract = case.quantised.contract
    design = _design(o, case) or generate(contract, trace=True)
    found = measure(
        design,
        case.stimulus.spikes,
        case.stimulus.steps,
        toggle=not o["gate_level"],
        directed=directed_inputs(contract),
    )
    return found if o["gate_level"] else explained(design, found)


def _window(result: Verification, o: dict[str, Any], folder: Path) -> Window | None:
    """Waves of the place where the RTL deviates; none where it agrees, or does not compile."""
    from .hdl import generate
    from .sim.rtl.waves import write_waves

    rows = [r.verdict for r in result.rows if r.verdict.body == "rtl"]
    if not rows or rows[0].agrees or "does not compile" in rows[0].reason:
        return None
    case, difference = result.case, rows[0].difference
    design = _design(o, case) or generate(case.quantised.contract, trace=True)
    where = "end" if difference is None else f"{difference.population}-{difference.step}"
    name = "".join(ch if ch.isalnum() or ch in "-_" else "_" for ch in where)
    folder.mkdir(parents=True, exist_ok=True)
    stimulus = case.stimulus
    path = folder / f"{name}.fst"
    return write_waves(design, stimulus.spikes, path, difference, steps=stimulus.steps)


def _built(result: Verification, board: str, lanes: str) -> Grid:
    """The resources of a bitstream that is thrown away."""
    from .hdl.build import build

    contract = result.case.quantised.contract
    with progress() as bar, tempfile.TemporaryDirectory(prefix="lifstone-") as folder:
        task = bar.add_task("build", total=None)
        built = build(
            contract,
            board,
            Path(folder),
            lanes=lanes_from(lanes),
            progress=lambda stage: bar.update(task, description=f"{board}: {stage}"),
        )
        return board_grid(built)


def _good(result: Verification, o: dict[str, Any]) -> bool:
    return result.faithful if o["strict"] else result.conforms


def _data(model: Path, imported: Imported, result: Verification, good: bool) -> dict[str, Any]:
    stimulus = result.case.stimulus
    return {
        "model": model.name,
        "agrees": good,
        "stimulus": stimulus.origin,
        "steps": stimulus.steps,
        "samples": stimulus.samples,
        "dt": result.case.model.dt,
        "rows": [row.to_dict() for row in result.rows],
        "assumptions": list(imported.assumptions),
    }


def _write_page(
    out: Path,
    model: Path,
    imported: Imported,
    result: Verification,
    command: str,
    grids: list[Grid] | None = None,
) -> None:
    from .report import Page, render  # draws with matplotlib, which is slow to start

    page = Page(
        title=f"{model.name}: one model, four bodies",
        lead="Does every body of this network spike as its reference does, and what do the "
        "time grid and the integers cost?",
        command=command,
        assumptions=imported.assumptions,
        resources=grids or [],
    )
    write_text(out, render(result, page))

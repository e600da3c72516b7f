"""The command that holds a user's own Verilog against a contract: check."""

from __future__ import annotations

import time
from pathlib import Path

import click
from rich.console import Console
from rich.text import Text

from .console import STYLES, emit_json, progress, write_text
from .options import output_file, rerun
from .text import one_line

__all__ = ["check"]


@click.command()
@click.argument("core", type=click.Path(path_type=Path))
@click.option("--steps", type=int, help="Steps of the stimulus; from the file, else 10000.")
@click.option("--seed", type=int, help="Seed of the stimulus; from the file, else 0.")
@click.option("--junit", "junit_path", type=click.Path(path_type=Path), help="Write JUnit XML.")
@click.option("--report", "report_path", type=click.Path(path_type=Path), help="Write HTML.")
@click.option("--coverage", is_flag=True, help="Say which lines and bits the stimulus reached.")
@click.option("--json", "as_json", is_flag=True, help="Print the verdict as JSON.")
@click.pass_context
def check(
    context: click.Context,
    core: Path,
    steps: int | None,
    seed: int | None,
    junit_path: Path | None,
    report_path: Path | None,
    coverage: bool,
    as_json: bool,
) -> None:
    """Hold your own Verilog neuron against the contract that CORE (.toml) names.

    Directed and random inputs, every step compared. Where the core deviates: the first step,
    what it was given, and the mistake that gives all that it gave. Exit code 1 if it deviates.

    \b
    Examples:
      lifstone check core.toml
      lifstone check core.toml --junit core.xml --report core.html --coverage
    """
    from .check_page import check_junit, check_page
    from .core_file import read_core
    from .sim.rtl.user_core_check import check_core

    output_file("junit", junit_path)
    output_file("report", report_path)
    user, plan = read_core(core, steps=steps, seed=seed)
    start = time.perf_counter()
    with progress() as bar:
        bar.add_task(f"{one_line(user.top)}, {plan.steps:,} steps", total=None)
        found = check_core(user, plan, coverage=coverage)
    if junit_path is not None:
        write_text(junit_path, check_junit(found, user, time.perf_counter() - start))
    if report_path is not None:
        write_text(report_path, check_page(found, user, plan, rerun(context)))
    if as_json:
        emit_json({"core": user.top, "contract": user.contract_from, "steps": plan.steps,
                   "seed": plan.seed, **found.to_dict()})  # fmt: skip
    else:
        style = STYLES["good" if found.verdict.agrees else "bad"]
        said = Text.assemble(f"{one_line(user.top)}: ", (one_line(str(found.verdict)), style))
        Console().print(said, soft_wrap=True)
        values = f"{found.verdict.compared:,} values of {plan.steps:,} steps"
        click.echo(f"{values}, seed {plan.seed}, against {one_line(user.contract_from)}")
        for note in found.notes:
            click.echo(f"note: {one_line(note)}")
        for line in found.coverage.sentences() if found.coverage is not None else ():
            click.echo(one_line(line))
    context.exit(0 if found.verdict.agrees else 1)

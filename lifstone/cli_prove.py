"""The command that proves instead of running: prove."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from .console import STYLES, WIDTH, assumed, emit_json, progress, step_bar
from .golden import Status
from .golden.errors import require
from .options import contract_options, lanes_from, lanes_option, load, model_argument
from .text import one_line

if TYPE_CHECKING:
    from .hdl.formal.network import Proof

__all__ = ["prove"]

TONES = {Status.PROVED: "good", Status.DEVIATES: "bad", Status.SKIPPED: "warn"}


@click.command()
@model_argument
@click.option(
    "--component",
    default="all",
    show_default=True,
    help="step, sum (of weights), memories, streams or all.",
)
@click.option(
    "--timeout",
    type=float,
    default=60.0,
    show_default=True,
    help="Seconds for each row; what is not decided by then is unknown.",
)
@click.option(
    "--design",
    type=click.Path(path_type=Path),
    help="Prove the steps of the RTL in this folder, as generate wrote it or edited since.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the table as JSON.")
@lanes_option
@contract_options
@click.pass_context
def prove(
    context: click.Context,
    /,
    model: Path,
    component: str,
    timeout: float,
    design: Path | None,
    as_json: bool,
    **o: Any,
) -> None:
    """Prove the RTL of MODEL (.nir) equal to its contract, for every state and input.

    Exit code 0: all is proved. 1: a counterexample was found. 3: a row was not decided within
    its time, and nothing deviates.

    \b
    Examples:
      lifstone prove model.nir
      lifstone prove model.nir --component step --timeout 300
      lifstone prove model.nir --lanes 8
      lifstone prove model.nir --design rtl --json
    """
    from .hdl import generate, read_design
    from .hdl.formal.network import COMPONENTS, prove_network

    require(0 < timeout < 1e6, "timeout", timeout, "seconds, greater than 0 and below 1e6")
    chosen = COMPONENTS if component == "all" else (component,)
    require(chosen[0] in COMPONENTS, "component", component, f"{', '.join(COMPONENTS)} or all")
    imported, quantised = load(model, o)
    contract = quantised.contract
    if design is not None:
        require(o["lanes"] == "1", "lanes", o["lanes"], "not given: the design has its own")
        made = read_design(design, contract)
    else:
        made = generate(contract, lanes=lanes_from(o["lanes"]))
    with progress() as bar:
        proofs = prove_network(contract, made, chosen, timeout, step_bar(bar))
    code = _code([p.verdict.status for p in proofs])
    if as_json:
        rows = [{**p.to_dict(), "verdict": _word(p)} for p in proofs]
        emit_json({"model": model.name, "proved": code == 0, "rows": rows})
    else:
        _table(proofs)
        assumed(imported)
    context.exit(code)


def _code(found: list[Status]) -> int:
    return 1 if Status.DEVIATES in found else 3 if Status.SKIPPED in found else 0


def _word(proof: Proof) -> str:
    status = proof.verdict.status
    return "unknown" if status is Status.SKIPPED else str(status)


def _table(proofs: list[Proof]) -> None:
    table = Table(box=None, pad_edge=False)
    for head in ("part", "against", "verdict", "for", "time"):
        table.add_column(head, justify="right" if head == "time" else "left")
    for p in proofs:
        mark = Text(_word(p), style=STYLES[TONES[p.verdict.status]])
        said = Text(one_line(p.detail or p.verdict.reason))
        v = p.verdict
        table.add_row(one_line(v.body), one_line(v.reference), mark, said, f"{p.seconds:.2f} s")
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)
    console.print(table)
    for p in proofs:
        if p.trace:
            console.print(Text(one_line(f"{p.verdict.body}: {p.verdict.reason}")), soft_wrap=True)
            for line in p.trace:
                console.print(Text(f"  {line}"), soft_wrap=True)
    done = sum(p.verdict.status is Status.PROVED for p in proofs)
    console.print(Text(f"Proved: {done} of {len(proofs)}."))

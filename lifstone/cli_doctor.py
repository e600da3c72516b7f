"""The command that says which tools are there."""

from __future__ import annotations

from dataclasses import asdict

import click
from rich.console import Console
from rich.table import Table

from .console import WIDTH, emit_json
from .doctor import examine

__all__ = ["doctor"]


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@click.pass_context
def doctor(context: click.Context, /, as_json: bool) -> None:
    """Say which tools are present, and how to install those that are not.

    Exit code 3 if a tool that a command needs is missing.

    \b
    Example:
      lifstone doctor
    """
    found = examine()
    missing = [f for f in found if not f.present]
    if as_json:
        emit_json([asdict(f) for f in found])
    else:
        table = Table(box=None, pad_edge=False)
        for head in ("tool", "used for", "version, or how to get it"):
            table.add_column(head, overflow="fold")
        for f in found:
            state = f.version or "present" if f.present else f"missing: {f.install}"
            purpose = f"{f.purpose} (optional)" if f.optional else f.purpose
            table.add_row(f.tool, purpose, state, style=None if f.present else "yellow")
        console = Console()
        (console if console.is_terminal else Console(width=WIDTH)).print(table)
        if missing:
            click.echo(f"{len(missing)} of {len(found)} tools are missing")
        else:
            click.echo("every tool is there")
    context.exit(3 if any(not f.optional for f in missing) else 0)

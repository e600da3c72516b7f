"""What Verilator's strictest lint says of generated Verilog, and why it may.

The waivers are written beside every design, so that ``verilator --lint-only -Wall`` of both
files is silent and anything new is seen. Tests check that it is, and that each is needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["WAIVERS", "Waiver", "waiver_file"]


@dataclass(frozen=True)
class Waiver:
    """A rule of Verilator, the messages it covers (a glob), and the reason."""

    rule: str
    match: str
    reason: str


WAIVERS = (
    Waiver("CASEINCOMPLETE", "*", "each signal has its default before the case"),
    Waiver("DECLFILENAME", "*", "one file holds all modules of a design"),
    Waiver("PROCASSINIT", "*", "a register has a value at power-on, as FPGAs do, besides reset"),
    Waiver(
        "UNUSEDSIGNAL",
        "*",
        "a carry that wraps or saturates away, a parameter that only one half of the step reads, "
        "an event's payload that passes beside a fork",
    ),
    Waiver("WIDTHEXPAND", "*", "narrow operands extend by their sign, which is always marked"),
    Waiver("WIDTHTRUNC", "*LOGNOT*", "! of a word: whether it is zero"),
)


def waiver_file(verilog: str, waivers: Sequence[Waiver] = WAIVERS) -> str:
    """A Verilator control file for the file named ``verilog``."""
    lines = ["`verilator_config"]
    for w in waivers:
        lines.append(f"// {w.reason}")
        lines.append(f'lint_off -rule {w.rule} -file "*{verilog}" -match "{w.match}"')
    return "\n".join(lines) + "\n"

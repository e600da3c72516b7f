"""Verilog identifiers for the names of a network."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..golden.errors import require

__all__ = ["check_identifier", "identifiers"]

_RESERVED = """always and assign automatic begin buf bufif0 bufif1 case casex casez cell cmos config
    deassign default defparam design disable edge else end endcase endconfig endfunction
    endgenerate endmodule endprimitive endspecify endtable endtask event for force forever fork
    function generate genvar highz0 highz1 if ifnone incdir include initial inout input instance
    integer join large liblist library localparam macromodule medium module nand negedge nmos nor
    noshowcancelled not notif0 notif1 or output parameter pmos posedge primitive pull0 pull1
    pulldown pullup pulsestyle_onevent pulsestyle_ondetect rcmos real realtime reg release repeat
    rnmos rpmos rtran rtranif0 rtranif1 scalared showcancelled signed small specify specparam
    strong0 strong1 supply0 supply1 table task time tran tranif0 tranif1 tri tri0 tri1 triand
    trior trireg unsigned use vectored wait wand weak0 weak1 while wire wor xnor xor
    logic bit byte int shortint longint interface modport package program class"""
KEYWORDS = frozenset(_RESERVED.split())


def check_identifier(name: str) -> None:
    """Refuse what is no Verilog identifier or a reserved word."""
    good = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,199}", name) is not None
    require(good, "name", name, "a letter or _, then letters, digits or _")
    require(name not in KEYWORDS, "name", name, "a name that Verilog does not reserve")


def identifiers(names: Iterable[str]) -> dict[str, str]:
    """A distinct identifier part for each name: others' characters become ``_``.

    Two names that would meet get a number, in the order given.
    """
    out: dict[str, str] = {}
    used: set[str] = set()
    for name in names:
        base = re.sub(r"[^A-Za-z0-9_]", "_", name) or "_"
        # Two underscores in a row mark a hierarchy in many tools.
        base = re.sub(r"__+", "_", base)
        word, k = base, 2
        while word.lower() in used:
            word, k = f"{base.rstrip('_')}_{k}", k + 1
        used.add(word.lower())
        out[name] = word
    return out

"""Verilog text of a component, with plain identifiers."""

from __future__ import annotations

import re

from amaranth.back import verilog
from amaranth.lib import wiring

from .names import KEYWORDS

__all__ = ["to_verilog"]

_ESCAPED = re.compile(r"\\(\S+) ")
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def to_verilog(component: wiring.Component, name: str, header: str) -> str:
    """The component and all below it as Verilog.

    Amaranth marks hierarchy with dots and repeated names with dollars, which Verilog must
    escape; here they become underscores, and stay distinct.
    """
    text = verilog.convert(component, name=name, emit_src=False, strip_internal_attrs=True)
    tool, _, body = text.partition("\n")
    used = set(_PLAIN.findall(_ESCAPED.sub(" ", body)))
    plain: dict[str, str] = {}
    for escaped in dict.fromkeys(_ESCAPED.findall(body)):
        word = re.sub(r"\W", "_", escaped).strip("_") or "_"
        if not word[0].isalpha():
            # Intermediate results carry numbers alone.
            word = f"n_{word}"
        candidate, k = word, 2
        while candidate in used or candidate in KEYWORDS:
            candidate, k = f"{word}_{k}", k + 1
        used.add(candidate)
        plain[escaped] = candidate
    body = _ESCAPED.sub(lambda match: plain[match[1]] + " ", body)
    body = re.sub(r" +([;,)])", r"\1", body)
    note = tool.strip("/* ")
    lines = [*header.splitlines(), note]
    return "".join(f"// {line}".rstrip() + "\n" for line in lines) + body.rstrip() + "\n"

"""Verilog text of a component."""

from __future__ import annotations

from collections.abc import Mapping

from amaranth.back import verilog
from amaranth.lib import wiring

from .tidy import tidy

__all__ = ["to_verilog"]


def to_verilog(
    component: wiring.Component, name: str, header: str, notes: Mapping[str, str] | None = None
) -> str:
    """The component and all below it as Verilog, with plain identifiers.

    Parameters
    ----------
    name
        Of the top module; the modules below begin with it.
    header
        Comment lines at the top of the file.
    notes
        A comment for each module that has one, by its name.
    """
    text = verilog.convert(component, name=name, emit_src=False, strip_internal_attrs=True)
    tool, _, body = text.partition("\n")
    lines = [*header.splitlines(), tool.strip("/* ")]
    return "".join(f"// {line}".rstrip() + "\n" for line in lines) + "\n" + tidy(body, notes or {})

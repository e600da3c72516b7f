"""Designs with a fault put into their Verilog."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from lifstone.golden import NetworkContract
from lifstone.hdl import Design


def substitute(design: Design, old: str, new: str, module: str = "") -> Design:
    """``old``, a regular expression, becomes ``new``: in one module, or in the whole text."""
    start = design.verilog.index(f"module {module} (") if module else 0
    end = design.verilog.index("\nendmodule", start) if module else len(design.verilog)
    body, count = re.subn(old, new, design.verilog[start:end])
    assert count > 0, f"{old} is not in the design"
    return replace(design, verilog=design.verilog[:start] + body + design.verilog[end:])


def other_weight(
    design: Design, contract: NetworkContract, connection: int, post: int, pre: int, weight: int
) -> tuple[Design, NetworkContract]:
    """Another weight in the memory, and the contract that would be right for it.

    The connection must be the first that enters its population.
    """
    c = contract.connections[connection]
    n, width = contract.populations[c.post].n, contract.populations[c.post].weight_width
    at = (pre << max(1, (n - 1).bit_length())) + post
    word = f"{width}'h{weight & ((1 << width) - 1):x};"
    module = f"{design.name}_core_{c.post}"
    changed = substitute(
        design, rf"weight_memory\[{at}\] = \S+;", f"weight_memory[{at}] = {word}", module
    )
    matrix = c.weight.copy()
    matrix[post, pre] = weight
    connections = list(contract.connections)
    connections[connection] = replace(c, weight=matrix)
    return changed, replace(contract, connections=tuple(connections))


def wrap(design: Design, changes: dict[str, str], extra: str = "") -> Design:
    """A new top around the design, in which some ports carry another expression.

    ``inner_<port>`` is what the design puts on an output; ``count`` counts clocks from 0.
    """
    heads, wires, pins, ties = [], [], [], []
    for name, width, is_input in _ports(design):
        bits = f"[{width - 1}:0] " if width > 1 else ""
        heads.append(f"{'input' if is_input else 'output'} {bits}{name}")
        if is_input:
            pins.append(f".{name}({changes.get(name, name)})")
        else:
            wires.append(f"  wire {bits}inner_{name};")
            pins.append(f".{name}(inner_{name})")
            ties.append(f"  assign {name} = {changes.get(name, f'inner_{name}')};")
    lines = [
        f"module {design.name} ({', '.join(heads)});",
        "  reg [31:0] count;",
        "  initial count = 0;",
        "  always @(posedge clk) count <= count + 1;",
        f"  {extra}",
        *wires,
        f"  {design.name}_inner inner ({', '.join(pins)});",
        *ties,
        "endmodule",
    ]
    inner = substitute(design, rf"(?m)^module {design.name} \(", f"module {design.name}_inner (")
    return replace(design, verilog=inner.verilog + "\n" + "\n".join(lines) + "\n")


def _ports(design: Design) -> Iterator[tuple[str, int, bool]]:
    """Name, width, and whether it is an input, of every port of the top."""
    m = design.manifest
    yield from (("clk", 1, True), ("rst", 1, True))
    for streams, is_input in ((m["inputs"], True), (m["outputs"], False)):
        for p in streams:
            yield f"{p['port']}_valid", 1, is_input
            yield f"{p['port']}_ready", 1, not is_input
            yield f"{p['port']}_tick", 1, is_input
            yield f"{p['port']}_address", p["address_width"], is_input
    for p in m["populations"] if m["trace"] else ():
        yield f"{p['trace']['port']}_valid", 1, False
        for field, width in p["trace"]["fields"].items():
            yield f"{p['trace']['port']}_{field}", width, False

"""``python -m bench.cores``: the table of the core family, after place and route.

One row a registered core, see :mod:`lifstone.sim.rtl.soak_case`: neurons, bits of state, and
what the core alone takes on an iCE40 UP5K and on an ECP5-25. Takes a minute or so a core.
"""

from __future__ import annotations

import argparse
from collections.abc import Collection

from lifstone.golden import InvalidValue
from lifstone.hdl.figures import FAMILIES, post_route
from lifstone.sim.rtl.soak_case import Case, all_cases

__all__ = ["row"]


def row(case: Case, families: Collection[str] = tuple(FAMILIES)) -> str:
    """A line of the table in Markdown; other families than the asked for stay empty."""
    assert case.bare is not None
    traced = case.design().manifest["populations"]
    bits = sum(
        sum(v for k, v in p["trace"]["fields"].items() if k not in ("index", "spike"))
        for p in traced
    )
    cells = [case.name, str(case.neurons()), str(bits)]
    for family in FAMILIES:
        if family not in families:
            cells += [""] * 4
            continue
        try:
            f = post_route(case.bare(), family)
        except InvalidValue:
            cells += ["does not fit", "", "", ""]
            continue
        cells += [f"{f.cells:,}", str(f.ram), str(f.dsp), f"{f.fmax / 1e6:.0f}"]
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    """Print the rows of the chosen cores."""
    parser = argparse.ArgumentParser(prog="bench.cores", description=__doc__)
    parser.add_argument("names", nargs="*", help="cores; all by default")
    parser.add_argument("--family", choices=tuple(FAMILIES), help="both by default")
    args = parser.parse_args()
    families = [args.family] if args.family else list(FAMILIES)
    cases = all_cases()
    for name in args.names or cases:
        if name not in cases:
            parser.error(f"{name}: allowed is {', '.join(cases)}")
        if cases[name].bare is not None:
            print(row(cases[name], families), flush=True)


if __name__ == "__main__":
    main()

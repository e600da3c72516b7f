"""``python -m bench``: print every ratio; ``--json`` for machines."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable

from bench import network, rtl
from bench.ratio import Ratio

BENCHES: dict[str, Callable[[], list[Ratio]]] = {"rtl": rtl.measure, "network": network.measure}


def main() -> None:
    """Run the chosen benches."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"some of {', '.join(BENCHES)}; all by default")
    parser.add_argument("--json", action="store_true", help="print JSON")
    args = parser.parse_args()
    for name in args.names:
        if name not in BENCHES:
            parser.error(f"{name}: allowed is {', '.join(BENCHES)}")
    found = [r for name in args.names or BENCHES for r in BENCHES[name]()]
    if args.json:
        print(json.dumps([r.to_dict() for r in found], indent=2))
        return
    for r in found:
        print(r)


if __name__ == "__main__":
    main()

"""``python -m lifstone.golden.estimation``: bias, bound and coverage from many recordings."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace

from ..errors import InvalidValue
from .simulate import default_experiment
from .study import study


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table of one study; about a second a recording."""
    parser = argparse.ArgumentParser(
        prog="python -m lifstone.golden.estimation", description=__doc__
    )
    parser.add_argument("--recordings", type=int, default=400)
    parser.add_argument("--duration", type=float, default=5.0, help="seconds of a recording")
    parser.add_argument("--dropped", type=float, default=0.02, help="share of samples lost")
    parser.add_argument("--sigma-y", type=float, default=1e-3, help="measurement noise, volts")
    parser.add_argument("--unmarked", action="store_true", help="detect spikes; half have a peak")
    parser.add_argument("--seed", type=int, default=20240)
    given = parser.parse_args(arguments)
    try:
        e = replace(default_experiment(given.duration), dropped=given.dropped)
        e = replace(e, neuron=replace(e.neuron, sigma_y=given.sigma_y))
        if given.unmarked:
            e = replace(e, peak=60e-3, peaked=0.5, marked=False)
        found = study(e, given.recordings, given.seed)
    except InvalidValue as error:
        sys.exit(f"error: {error}")
    print(found.table())
    for method, count in found.failed.items():
        print(f"{method}: {count} of {found.recordings} fits did not converge")


if __name__ == "__main__":
    main()

"""``python -m lifstone.sim.calibration_study``: spread of dice before and after calibration.

Every die is drawn by Pelgrom's law, recorded with noise, fitted and turned by its converters
(:mod:`.calibration`). What it then is, is measured without noise, by means that the calibrator
does not have: the leak's curve, and the potential at which the spike begins.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..analog.mismatch import draw_shifts
from ..analog.silicon import SiliconNeuron, find_technology, schematic
from ..analog.silicon_measure import leak_curve, run_silicon
from ..golden import Lif
from ..golden.fi import rate
from .calibration import Bench, Dac, Target, calibrate
from .spice_workers import run_points
from .whole_file import whole_file

__all__ = ["DieFigures", "figures_of", "main", "study_die"]

BASE = SiliconNeuron(c=4e-12, v_leak=0.700, v_th=0.715, v_reset=0.690, i_ref=2e-10)
TARGET = Target(tau_mem=275e-6, v_leak=0.700, v_th=0.715, v_reset=0.690, t_ref=80e-6)
BENCH = Bench(
    dt=TARGET.tau_mem / 25,
    samples=1000,
    sigma_y=50e-6,
    currents=(-0.1e-9, 0.1e-9, 0.35e-9, 0.5e-9),
    hold=40,
)
DACS = {
    "i_bias": Dac(8, 0.5e-9, 2e-9),
    "v_leak": Dac(8, 0.680, 0.720),
    "v_th": Dac(8, 0.695, 0.735),
    "i_ref": Dac(8, 0.05e-9, 0.5e-9),
}
CURRENT = 0.5e-9
"""Amperes at which rates are compared, twice the rheobase."""
NAMES = ("tau_mem", "threshold", "rate")
UNITS = {"tau_mem": "s", "threshold": "V", "rate": "Hz"}


@dataclass(frozen=True)
class DieFigures:
    """A die as it is: seconds, volts from rest, hertz."""

    tau_mem: float
    threshold: float
    rate: float


def figures_of(neuron: SiliconNeuron) -> DieFigures:
    """Measure a die without noise."""
    curve = leak_curve(neuron)
    run = run_silicon(neuron, CURRENT, 4e-3, 4e-6)
    at = np.interp(run.spike_times[1:], run.t, run.mem)
    # The spike output rises after the comparator's delay; the membrane peaks before the reset.
    peak = float(np.mean(at)) if at.size else float("nan")
    return DieFigures(neuron.c / curve.g_m, peak - curve.rest, run.rate)


def study_die(seed: int) -> tuple[DieFigures, DieFigures]:
    """The figures of a die before and after its calibration."""
    die = schematic(BASE).transistors
    neuron = replace(BASE, shifts=draw_shifts(find_technology(BASE.technology), die, seed))
    done = calibrate(neuron, TARGET, BENCH, DACS, seed=seed)
    return figures_of(neuron), figures_of(done.neuron)


def golden_rate() -> float:
    """Rate of the linear neuron of the target, hertz."""
    lif = Lif(
        tau_mem=TARGET.tau_mem,
        r=TARGET.tau_mem / BASE.c,
        v_leak=TARGET.v_leak,
        v_th=TARGET.v_th,
        v_reset=TARGET.v_reset,
        t_ref=TARGET.t_ref,
    )
    return float(rate(lif, CURRENT))


def table(found: Sequence[tuple[DieFigures, DieFigures]]) -> str:
    """Mean and spread of every figure, and the rates against golden's, as Markdown."""
    rows = [
        "| figure | before: mean, spread | after: mean, spread | spread reduced |",
        "|---|---|---|---|",
    ]
    for name in NAMES:
        before, after = (np.array([getattr(pair[k], name) for pair in found]) for k in (0, 1))
        cells = [f"{np.mean(v):.4g} {UNITS[name]}, {100 * np.std(v, ddof=1) / np.mean(v):.2g} %"
                 for v in (before, after)]  # fmt: skip
        share = np.std(before, ddof=1) / np.std(after, ddof=1)
        rows.append(f"| {name} | {cells[0]} | {cells[1]} | {share:.1f}x |")
    golden = golden_rate()
    for k, when in ((0, "before"), (1, "after")):
        off = np.array([abs(pair[k].rate / golden - 1) for pair in found])
        rows.append(
            f"| rate against golden's {golden:.4g} Hz, {when} | worst {100 * off.max():.2g} % "
            f"| mean {100 * off.mean():.2g} % | |"
        )
    return "\n".join(rows) + "\n"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the study and write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dice", type=int, default=16)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("out/calibration"))
    o = parser.parse_args(arguments)
    found = run_points(study_die, list(range(1, o.dice + 1)), o.jobs, print)
    failed = [f"die {k + 1}: {error}" for k, (_, error) in enumerate(found) if error]
    good = [value for value, error in found if not error]
    text = table(good) + "".join(f"\n{line}" for line in failed)
    rows = [{"before": vars(a), "after": vars(b)} for a, b in good]
    for name, body in (("calibration.md", text), ("calibration.json", json.dumps(rows, indent=1))):
        with whole_file(o.out / name) as temporary:
            temporary.write_text(body, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()

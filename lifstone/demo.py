"""The main job on real data: handwritten digits on every body, and a bitstream."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .case import Case, contract_of, prepare
from .console import write_text
from .golden import Widths
from .golden.errors import require
from .hdl import Design, generate
from .hdl.boards import find_board
from .hdl.build import BuildReport, build
from .report import Page, render
from .resources import Grid, board_grid
from .sim.digits import decode, encode, load_digits
from .sim.nir_read import read_nir
from .stimulus import Stimulus
from .verdicts import Options, Verification, verify
from .wording import si

__all__ = ["Outcome", "run_demo"]

SPICE_NEURONS = tuple(("hidden", j) for j in range(4))
SPICE_IMAGES = 3
STAGES = 9
"""Golden model, six rows, bitstream, report."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """What the demo found; times in seconds, accuracies from 0 to 1."""

    result: Verification
    accuracy_float: float
    accuracy_contract: float
    images: int
    bitstream: BuildReport | None
    clocks_an_image: float
    report: Path
    seconds: float

    @property
    def agrees(self) -> bool:
        """Whether every body agrees with its reference."""
        return self.result.conforms

    @property
    def latency(self) -> float | None:
        """Seconds an image takes on the board at its clock, its spikes already there."""
        return None if self.bitstream is None else self.clocks_an_image / self.bitstream.clock

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "agrees": self.agrees,
            "images": self.images,
            "accuracy_float": self.accuracy_float,
            "accuracy_contract": self.accuracy_contract,
            "rows": [row.to_dict() for row in self.result.rows],
            "clocks_an_image": self.clocks_an_image,
            "latency": self.latency,
            "bitstream": None if self.bitstream is None else self.bitstream.to_dict(),
            "report": str(self.report),
            "seconds": self.seconds,
        }

    def sentences(self) -> list[str]:
        """The results in words."""
        out = [
            f"{self.images} test images: accuracy {self.accuracy_contract:.1%} in the integer "
            f"contract, {self.accuracy_float:.1%} in the float model",
            f"RTL: {self.clocks_an_image:,.0f} clocks an image",
        ]
        b = self.bitstream
        if b is not None and self.latency is not None:
            out.append(
                f"{b.board}: {b.bitstream.name}, Fmax {si(b.fmax, 'Hz')}, clock "
                f"{si(b.clock, 'Hz')}, {si(self.latency, 's')} an image"
            )
        return [*out, f"report: {self.report} ({self.seconds:.0f} s in all)"]


def run_demo(
    out: Path,
    images: int,
    board: str,
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> Outcome:
    """Run the digits network on all bodies; write RTL, bitstream, verdicts and report.

    Raises
    ------
    InvalidValue
        For a number of images that the test set does not have, or an unknown board.
    """
    start = time.perf_counter()
    if board != "none":
        find_board(board)
    progress("golden model and contract", 0, STAGES)
    case, labels, assumptions = _case(images)
    contract = case.quantised.contract
    design = generate(contract, "digits", trace=True)
    options = Options(neurons=SPICE_NEURONS, spice_samples=SPICE_IMAGES, design=design)
    result = verify(case, options, lambda what, done, _: progress(what, done + 1, STAGES))
    bitstream = None
    if board != "none":
        progress(f"bitstream for {board}", STAGES - 2, STAGES)
        bitstream = build(contract, board, out / "bitstream", name="digits")
    generate(contract, "digits").write(out / "rtl")
    outcome = Outcome(
        result,
        float(np.mean(decode(case.floats["digit"].spikes) == labels)),
        float(np.mean(decode(case.integers["digit"].spikes) == labels)),
        images,
        bitstream,
        float(np.mean(result.rtl_cycles)),
        out / "report.html",
        time.perf_counter() - start,
    )
    progress("report", STAGES - 1, STAGES)
    command = f"lifstone demo --images {images} --board {board}"
    write_text(outcome.report, render(result, _page(outcome, design, command, assumptions)))
    return outcome


def _case(images: int) -> tuple[Case, NDArray[np.int64], tuple[str, ...]]:
    """The network on the first test images, their labels, and what was assumed."""
    digits = load_digits()
    top = len(digits.test_labels)
    require(1 <= images <= top, "images", images, f"1 to {top}")
    with as_file(files("lifstone") / "data" / "digits.nir") as path:
        imported = read_nir(path)
    spikes = encode(digits.test_images[:images])
    origin = f"{images} handwritten test digits"
    stimulus = Stimulus({"pixels": spikes}, spikes.shape[0], origin, images)
    case = prepare(imported.network, contract_of(imported.network, Widths()), stimulus)
    return case, digits.test_labels[:images], imported.assumptions


def _page(outcome: Outcome, design: Design, command: str, assumptions: Sequence[str]) -> Page:
    return Page(
        title="Handwritten digits: one network, four bodies",
        lead=f"{outcome.images} test images of scikit-learn's 8 x 8 digits, 16 steps of 1 ms "
        "each, through the golden model, the network layer, generated Verilog and, for the "
        "first hidden neurons, a capacitor with an OTA in SPICE.",
        command=command,
        assumptions=assumptions,
        cards=[
            (f"{outcome.accuracy_contract:.1%}", "test accuracy, integer contract"),
            (f"{outcome.accuracy_float:.1%}", "test accuracy, float model"),
        ],
        resources=_resources(outcome, design),
    )


def _resources(outcome: Outcome, design: Design) -> list[Grid]:
    lines = ("Verilog lines", f"{len(design.verilog.splitlines()):,}")
    clocks = ("clocks an image, mean", f"{outcome.clocks_an_image:,.0f}")
    b = outcome.bitstream
    if b is None or outcome.latency is None:
        return [Grid(["resource", "design"], [lines, clocks])]
    return [board_grid(b, [lines, clocks, ("time an image", si(outcome.latency, "s"))])]

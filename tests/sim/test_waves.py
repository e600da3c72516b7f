"""Waves: only the clocks around a fault, of the sample that has it."""

from __future__ import annotations

import struct
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lifstone.golden import MissingTool, NetworkContract, run_contract
from lifstone.hdl import Design, cycles_per_step, generate
from lifstone.sim.rtl import waves as module
from lifstone.sim.rtl.run import verify_rtl
from lifstone.sim.rtl.waves import write_waves
from tests.hdl.contracts import lively
from tests.hdl.test_weights import inputs, network
from tests.sim.faulty import substitute

HAS_LIBRARIES = all(
    subprocess.run(
        ["g++", "-E", "-x", "c++", "-include", name, "/dev/null"], capture_output=True, check=False
    ).returncode
    == 0
    for name in ("zlib.h", "lz4.h")
)
needs_libraries = pytest.mark.skipif(not HAS_LIBRARIES, reason="needs zlib1g-dev, liblz4-dev")


def header(path: Path) -> tuple[int, int, int]:
    """First and last time and signals of an FST file, from its header block."""
    kind, length, first, last = struct.unpack(">BQQQ", path.read_bytes()[:25])
    assert (kind, length) == (0, 329)
    return first, last, struct.unpack(">Q", path.read_bytes()[49:57])[0]


def wrong(net: NetworkContract, trace: bool) -> Design:
    """A design whose first population adds another weight in place of one."""
    design = generate(net, "net", trace=trace)
    low = -1 - int(net.connections[0].weight[2, 1])
    return substitute(design, r"weight_memory\[6\] = \S+;", f"weight_memory[6] = 8'h{low & 255:x};")


@needs_libraries
@pytest.mark.parametrize("trace", [True, False])
def test_waves_of_a_seeded_bug(tmp_path: Path, trace: bool) -> None:
    net = lively()
    design = wrong(net, trace)
    verdict = verify_rtl(net, inputs(net), design=design, optimise=False)
    assert verdict.difference is not None
    path = tmp_path / "a.fst"
    window = write_waves(design, inputs(net), path, verdict.difference, before=30, after=8)
    assert (window.fault - window.first, window.last - window.fault) == (30, 8)
    first, last, signals = header(path)
    assert (first, last) == (10 * window.first, 10 * window.last + 5)
    assert signals > 200
    assert path.stat().st_size < 50_000
    assert [p.name for p in tmp_path.iterdir()] == ["a.fst"]


@needs_libraries
def test_the_clock_is_that_in_which_the_wrong_state_is_shown(tmp_path: Path) -> None:
    net = network(5, 6, seed=3)
    shown, spikes = inputs(net), run_contract(net, inputs(net))["p"].spikes
    design = generate(net, "net", trace=True)
    other = int(net.connections[0].weight[3, 2]) ^ 1
    design = substitute(
        design, r"weight_memory\[19\] = \S+;", f"weight_memory[19] = 6'h{other & 63:x};"
    )
    where = verify_rtl(net, shown, design=design, optimise=False).difference
    assert where is not None
    assert where.neuron == 3
    taken = shown["x"].sum(axis=1).tolist()
    sent = spikes.sum(axis=1).tolist()
    steps = [cycles_per_step(net, "p", a, b) for a, b in zip(taken, sent, strict=True)]
    # After the sweep that follows a reset: whole steps, the step's spikes and tick, and three
    # clocks for each neuron of which the last shows it, one more for each spike sent before.
    clock = 2 * 5 + sum(steps[: where.step]) + 5 * taken[where.step] + 1 + 3 * 3 + 2
    clock += int(spikes[where.step, :3].sum())
    window = write_waves(design, shown, tmp_path / "a.fst", where)
    assert window.fault == clock


@needs_libraries
def test_the_sample_with_the_fault_is_shown(tmp_path: Path) -> None:
    net = lively()
    design, quiet = wrong(net, True), {k: np.zeros_like(a) for k, a in inputs(net).items()}
    stimulus = {k: np.stack([quiet[k], quiet[k], a], axis=1) for k, a in inputs(net).items()}
    alone = verify_rtl(net, inputs(net), design=design, optimise=False).difference
    assert alone is not None
    window = write_waves(design, stimulus, tmp_path / "a.fst", replace(alone, sample=2))
    assert window.sample == 2
    same = write_waves(design, inputs(net), tmp_path / "b.fst", alone)
    assert (same.first, same.fault, same.last) == (window.first, window.fault, window.last)


@needs_libraries
def test_a_design_that_hangs_is_shown_where_it_ends(tmp_path: Path) -> None:
    net = lively()
    design = substitute(
        generate(net, "net", trace=True), r"assign last = index == 2'h3;", "assign last = 1'h0;"
    )
    verdict = verify_rtl(net, inputs(net), design=design, optimise=False)
    assert "stopped answering" in verdict.reason
    options = {"patience": 3000}
    window = write_waves(design, inputs(net), tmp_path / "a.fst", before=50, timing=options)
    assert window.fault == window.last >= 3000
    assert window.first == window.last - 50
    assert header(tmp_path / "a.fst")[:2] == (10 * window.first, 10 * window.last + 5)


def test_without_the_libraries_the_error_names_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*_: object) -> str:
        raise RuntimeError("no such file")

    monkeypatch.setattr(module, "run_tool", missing)
    with pytest.raises(MissingTool, match="apt-get install zlib1g-dev"):
        write_waves(generate(lively()), {}, tmp_path / "a.fst")

"""One neuron in SPICE against its event-driven solution, in the process and in a file."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lifstone.analog import run as analog_run
from lifstone.analog import spike_times
from lifstone.analog.run import Waveform
from lifstone.golden import InvalidValue, Lif, Status, solve
from lifstone.sim.spice import export_netlist, run_spice_neuron, verify_spice

DT = 1e-3
TOLERANCE = 20e-6
SEEDS = [1, 3, 4, 5, 7, 12, 13, 17, 28, 31, 46, 74, 93, 121, 124]
"""In the last seven a reset by ngspice's own switch lost or moved spikes."""


def random_case(seed: int) -> tuple[Lif, np.ndarray]:
    """A neuron with or without leak, synapse and refractory period, and 60 steps of drive."""
    rng = np.random.default_rng(seed)
    leaky = rng.random() < 0.75
    v_leak = rng.uniform(-1, 1)
    lif = Lif(
        tau_mem=rng.uniform(3e-3, 30e-3) if leaky else np.inf,
        r=rng.uniform(0.5, 2) * (1 if leaky else 100),
        v_leak=v_leak,
        v_th=v_leak + rng.uniform(0.6, 1.4),
        v_reset=v_leak + rng.uniform(-0.5, 0.3),
        t_ref=0.0 if rng.random() < 0.4 else rng.uniform(0.1e-3, 4e-3),
        tau_syn=rng.uniform(1e-3, 10e-3) if leaky and rng.random() < 0.5 else None,
        w_in=rng.uniform(0.5, 2),
        reset="subtract" if rng.random() < 0.5 else "set",
    )
    x = rng.uniform(1, 4) * rng.normal(0.6, 1.0, 60)
    return lif, np.repeat(x[::6], 6) if rng.random() < 0.3 else x


@pytest.mark.parametrize("seed", SEEDS)
def test_random_neurons_spike_when_theory_says(seed: int) -> None:
    lif, x = random_case(seed)
    exact = solve(lif, x, DT)
    run = run_spice_neuron(lif, x, DT)
    assert run.spike_times.size == exact.spike_times.size
    np.testing.assert_allclose(run.spike_times, exact.spike_times, rtol=0, atol=TOLERANCE)
    ends = (np.arange(x.size) + 1) * DT
    held = np.interp(ends, run.t, run.v)
    # Away from spikes, where a microsecond is a swing.
    calm = np.array([np.all(np.abs(exact.spike_times - t) > 50e-6) for t in ends], dtype=bool)
    assert np.abs(held - exact.v)[calm].max() < 0.02


def test_the_cases_are_of_every_kind() -> None:
    cases = [random_case(seed) for seed in SEEDS]
    for kind in (
        [lif.tau_syn is None for lif, _ in cases],
        [bool(np.isfinite(lif.tau_mem[0])) for lif, _ in cases],
        [bool(lif.t_ref[0] > 0) for lif, _ in cases],
        [str(lif.reset) == "set" for lif, _ in cases],
    ):
        assert 0 < sum(kind) < len(kind)
    assert sum(solve(lif, x, DT).spike_times.size for lif, x in cases) > 60


@pytest.mark.parametrize(("amplitude", "steps"), [(1.02, 60), (1.3, 60), (30.0, 8)])
def test_no_spike_is_missed_in_a_long_train(amplitude: float, steps: int) -> None:
    """Regular spikes: a switch that closes by mistake shows as a gap."""
    lif = Lif(tau_mem=3.2e-3, r=1.15, v_th=0.63, v_reset=-0.39)
    x = np.full(steps, amplitude * 0.63 / 1.15)
    exact, run = solve(lif, x, DT), run_spice_neuron(lif, x, DT)
    assert run.spike_times.size == exact.spike_times.size > 3
    np.testing.assert_allclose(
        np.diff(run.spike_times), np.diff(exact.spike_times), rtol=2e-3, atol=1e-7
    )


def test_strong_inhibition_stays_in_the_linear_range() -> None:
    rng = np.random.default_rng(0)
    lif = Lif(tau_mem=20e-3, t_ref=1e-3)
    x = 300 * rng.normal(0, 1, 60)
    exact, run = solve(lif, x, DT), run_spice_neuron(lif, x, DT)
    assert exact.v.min() < -50
    np.testing.assert_allclose(run.spike_times, exact.spike_times, rtol=0, atol=TOLERANCE)


def test_a_readout_never_fires() -> None:
    run = run_spice_neuron(Lif(tau_mem=5e-3, v_th=np.inf), np.full(30, 2.0), DT)
    assert run.spike_times.size == 0
    assert run.v[-1] == pytest.approx(2 * (1 - np.exp(-6)), rel=1e-3)


class TestVerdict:
    LIF = Lif(tau_mem=10e-3, t_ref=2e-3)
    X = np.full(60, 1.8)

    def test_agrees_and_says_how_far_it_is(self) -> None:
        verdict = verify_spice(self.LIF, self.X, DT, 50e-6)
        assert verdict.status is Status.WITHIN
        assert verdict.compared == solve(self.LIF, self.X, DT).spike_times.size
        assert verdict.figure is not None
        assert 0 < verdict.figure < 5e-6

    def test_another_neuron_deviates_at_a_step_and_for_a_reason(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        other = Lif(tau_mem=10.5e-3, t_ref=2e-3)
        monkeypatch.setattr("lifstone.sim.spice.solve", lambda lif, x, dt: solve(other, x, dt))
        verdict = verify_spice(self.LIF, self.X, DT, 50e-6, name="p")
        assert verdict.status is Status.DEVIATES
        where = verdict.difference
        assert where is not None
        assert where.step == int(solve(self.LIF, self.X, DT).spike_times[0] / DT)
        assert "threshold" in verdict.reason

    @pytest.mark.parametrize("tolerance", [0.0, -1.0, np.nan, np.inf])
    def test_tolerance(self, tolerance: float) -> None:
        with pytest.raises(InvalidValue, match="tolerance"):
            verify_spice(self.LIF, self.X, DT, tolerance)

    @pytest.mark.parametrize(
        ("x", "dt", "field"),
        [([1.0, np.nan], DT, r"x\[1\]"), ([[1.0]], DT, "x"), ([1.0], 0.0, "dt")],
    )
    def test_input(self, x: list[Any], dt: float, field: str) -> None:
        with pytest.raises(InvalidValue, match=field):
            verify_spice(self.LIF, x, dt, 1e-4)


@pytest.mark.skipif(shutil.which("ngspice") is None, reason="the program ngspice is absent")
@pytest.mark.parametrize("seed", [1, 5, 11])
def test_the_exported_file_runs_alone(seed: int, tmp_path: Path) -> None:
    lif, x = random_case(seed)
    path = tmp_path / "neuron.cir"
    path.write_text(export_netlist(lif, x, DT, name="pop.x:3"))
    done = subprocess.run(["ngspice", "-b", str(path)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    table = read_table(done.stdout)
    inside = run_spice_neuron(lif, x, DT)
    assert inside.spike_times.size > 0
    # Seven digits of seconds are printed.
    np.testing.assert_allclose(spike_times(table), inside.spike_times, rtol=0, atol=2e-8)
    assert table.t.size == inside.t.size


def read_table(text: str) -> Waveform:
    """What ``.print`` writes: index, time, membrane, latch."""
    rows = [line.split() for line in text.splitlines() if line[:1].isdigit()]
    return Waveform(*np.array([row[1:] for row in rows if len(row) == 4], dtype=np.float64).T)


def python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, **environment},
    )


RUN = """
import numpy as np
from lifstone.golden import Lif, MissingTool
from lifstone.sim.spice import run_spice_neuron
for _ in range(2):
    try:
        print(run_spice_neuron(Lif(tau_mem=1e-2), np.full(20, 1.5), 1e-3).spike_times.size)
    except MissingTool as error:
        print(error)
"""


def test_nothing_of_the_simulator_reaches_the_user() -> None:
    done = python(RUN)
    assert done.stderr == ""
    assert done.stdout.split() == ["1", "1"]


@pytest.mark.parametrize("library", ["/nowhere/libngspice.so", "libm.so.6"])
def test_a_missing_library_is_said_each_time(library: str) -> None:
    done = python(RUN, NGSPICE_LIBRARY_PATH=library)
    line = "libngspice is not installed: apt-get install libngspice0"
    assert done.stdout.splitlines() == [line, line]
    assert done.stderr == ""


LONG = """
import os, signal, threading
import numpy as np
from lifstone.golden import Lif
from lifstone.sim.spice import run_spice_neuron
run_spice_neuron(Lif(tau_mem=1e-2), np.full(20, 1.5), 1e-3)
# A shell that starts this in the background has it ignore interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)
threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
try:
    run_spice_neuron(Lif(tau_mem=1e-2), np.full(40, 1e4), 1e-3)
except KeyboardInterrupt:
    print("interrupted")
"""


def test_an_interrupt_is_heard_in_a_run() -> None:
    """Without waiting for 40,000 spikes, and without a word of the simulator."""
    done = python(LONG)
    assert (done.returncode, done.stdout, done.stderr) == (0, "interrupted\n", "")


FATAL = """
import numpy as np
from lifstone.analog import run
from lifstone.golden import Lif
from lifstone.sim.spice import run_spice_neuron
run.netlist = lambda *_, **__: "* x\\nB1 a 0 V=np.float64(1)*v(a)\\n.end\\n"
try:
    run_spice_neuron(Lif(tau_mem=1e-2), np.full(20, 1.5), 1e-3)
except RuntimeError as error:
    print(error)
"""


def test_a_netlist_that_the_simulator_cannot_bear() -> None:
    done = python(FATAL)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("ngspice failed: ")
    assert "check your input netlist" in done.stdout


def test_a_note_on_the_error_stream_is_survived(monkeypatch: pytest.MonkeyPatch) -> None:
    """PySpice raises after a run that worked, if ngspice wrote a note."""
    lif, x = Lif(tau_mem=1e-2), np.full(20, 1.5)
    wanted = run_spice_neuron(lif, x, DT).spike_times
    spice, _ = analog_run._instance()
    plain = spice.run

    def noisy() -> None:
        plain()
        raise NameError("Command 'run' failed")

    monkeypatch.setattr(spice, "run", noisy)
    assert run_spice_neuron(lif, x, DT).spike_times.tolist() == wanted.tolist()


@pytest.mark.parametrize(
    ("netlist", "words"),
    [
        ("* x\nR1 a 0 nonsense(\n.end\n", "nonsense"),
        ("* x\nR1 mem 0 1\n.end\n", "ngspice"),
    ],
)
def test_a_simulator_that_gives_up_says_why_and_recovers(
    netlist: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lif, x = Lif(tau_mem=1e-2), np.full(20, 1.5)
    with monkeypatch.context() as m:
        m.setattr(analog_run, "netlist", lambda *_, **__: netlist)
        with pytest.raises(RuntimeError, match=words):
            run_spice_neuron(lif, x, DT)
    assert run_spice_neuron(lif, x, DT).spike_times.size == 1

"""The command line in this process, and small files for it to work on."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lifstone.cli import main
from tests.sim.nir_files import ends, lif, linear, write


@dataclass(frozen=True)
class Said:
    """Exit code and both streams of a command."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """Standard output as strict JSON."""

        def refuse(constant: str) -> None:
            raise AssertionError(f"{constant} is no JSON")

        return json.loads(self.out, parse_constant=refuse)


Lifstone = Callable[..., Said]


@pytest.fixture
def lifstone(capsys: pytest.CaptureFixture[str]) -> Lifstone:
    """``lifstone("verify", path)`` as at a prompt."""

    def run(*arguments: object) -> Said:
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            main([str(a) for a in arguments])
        said = capsys.readouterr()
        return Said(int(stop.value.code or 0), said.out, said.err)

    return run


@pytest.fixture
def chain(tmp_path: Path) -> Path:
    """Four lines into three LIF neurons that fire."""
    weight = np.array([[20.0, 25, 30, 35], [30, 35, 40, 45], [60, 65, 70, 80]])
    nodes = {**ends(4, 3), "w": linear(weight), "p": lif(3, tau=np.array([0.01, 0.015, 0.02]))}
    edges = [("in", "w"), ("w", "p"), ("p", "out")]
    return write(tmp_path / "chain.nir", nodes, edges)


@pytest.fixture
def loop(tmp_path: Path) -> Path:
    """A recurrent population with synapses, as older exporters write them."""
    n, dt, tau = 5, 1e-3, 1e-2
    cuba = {
        "type": "CubaLIF",
        "tau_mem": np.full(n, tau),
        "tau_syn": np.full(n, tau),
        "r": np.full(n, tau / dt),
        "w_in": np.full(n, tau / dt),
        "v_leak": np.zeros(n),
        "v_threshold": np.ones(n),
    }
    rng = np.random.default_rng(1)
    nodes = {
        **ends(3, n),
        "w": linear(rng.normal(0.15, 0.1, (n, 3))),
        "rec": linear(rng.normal(0.0, 0.1, (n, n))),
        "p": cuba,
    }
    edges = [("in", "w"), ("w", "p"), ("p", "rec"), ("rec", "p"), ("p", "out")]
    return write(tmp_path / "loop.nir", nodes, edges)

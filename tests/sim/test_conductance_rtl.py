"""The conductance-based cells' RTL equals their contracts, clips and all."""

from __future__ import annotations

import numpy as np
import pytest

from lifstone.golden.unit import UnitContract, run_unit
from lifstone.hdl.cells.membrane import MembraneLogic
from lifstone.hdl.cells.photo import PhotoLogic
from lifstone.sim.rtl.unit import verify_unit
from tests.hdl.random_cells import conductance_unit, photo_unit

UNITS = {
    "synapses and gates": lambda: conductance_unit(0, 6, 4),
    "without refractory period": lambda: conductance_unit(1, 4, 4, refractory=False),
    "light": lambda: photo_unit(0, 5),
    "light, one neuron": lambda: photo_unit(3, 1),
}


def stimulus(contract: UnitContract) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    return {
        name: (rng.random((120, 6, lines)) < rng.random((6, 1))).astype(np.uint8)
        for name, lines in contract.inputs.items()
    }


@pytest.mark.parametrize("name", UNITS)
def test_every_word_is_exact(name: str) -> None:
    contract = UNITS[name]()
    verdict = verify_unit(contract, stimulus(contract), optimise=False)
    assert str(verdict) == "exact", str(verdict)


def test_the_stimulus_meets_the_clips() -> None:
    first = UNITS["synapses and gates"]()
    run = run_unit(first, stimulus(first))
    assert (run.state["exc"] == 511).any()
    assert (run.state["rise"] == 255).any()
    assert (run.state["inh"] == 0).any()
    assert run.spikes.any()
    u = run.state["u"]
    assert (u[1:] == u[:-1])[run.state["hold"][:-1] > 0].all()
    light = UNITS["light"]()
    p = run_unit(light, stimulus(light)).state
    total = sum(p[f"p{k}"] for k in range(4))
    assert (total[p["p3"] > 0] == 127).all()


@pytest.mark.parametrize("name", ["synapses and gates", "light"])
def test_a_core_that_waits_a_clock_less_is_found(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clocks that a logic asks for are needed, and the stimulus shows it."""
    monkeypatch.setattr(MembraneLogic, "clocks", MembraneLogic.clocks - 1)
    monkeypatch.setattr(PhotoLogic, "clocks", PhotoLogic.clocks - 1)
    contract = UNITS[name]()
    verdict = verify_unit(contract, stimulus(contract), optimise=False)
    assert str(verdict).startswith("deviates at sample "), str(verdict)

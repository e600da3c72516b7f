"""System 7 as a whole."""

from __future__ import annotations

import pytest

from lifstone.golden import InvalidValue
from lifstone.golden.systems import find_system, replaced

NOISE = find_system("noise")
LIGHT = {"passages": 4000, "neurons": 300, "cells": 120}


def test_noise_agrees_with_its_references() -> None:
    result = NOISE.run(NOISE.parameters())
    assert [c.name for c in result.checks if not c.holds] == []
    assert len(result.checks) == 19
    assert len(result.panels) == 4
    assert result.figures[0].value == pytest.approx(5.8925, rel=1e-4)


@pytest.mark.parametrize("changes", [{"mu": 25e-3, "seed": 1}, {"t_ref": 0.0, "sigma": 8e-3}])
def test_noise_agrees_elsewhere(changes: dict[str, float]) -> None:
    result = NOISE.run(replaced(NOISE.parameters(), {**LIGHT, **changes}))
    assert [c.name for c in result.checks if not c.holds] == []


def test_noise_too_weak_to_fire_is_said_and_not_drawn() -> None:
    result = NOISE.run(replaced(NOISE.parameters(), {**LIGHT, "sigma": 1e-3}))
    assert result.agrees
    assert "too rare to be drawn" in result.notes[-1]
    assert result.figures[0].value == pytest.approx(0.0, abs=1e-7)
    assert not any("drawn" in c.name for c in result.checks)


def test_noise_repeats_with_its_seed() -> None:
    small = replaced(NOISE.parameters(), {"passages": 200, "neurons": 20, "cells": 40, "dt": 4e-3})
    one, two = NOISE.run(small), NOISE.run(small)
    assert [c.value for c in one.checks] == [c.value for c in two.checks]


def test_noise_refuses_what_is_no_neuron() -> None:
    for changes, message in (
        ({"sigma": 0.0}, r"sigma = 0\.0: allowed is finite numbers above 0 V"),
        ({"v_reset": 30e-3}, r"v_reset = 0\.03: allowed is below 0\.02 V"),
        ({"tau_syn": -1e-3}, r"tau_syn = -0\.001"),
        ({"cells": 3}, "cells = 3"),
    ):
        with pytest.raises(InvalidValue, match=message):
            replaced(NOISE.parameters(), changes)

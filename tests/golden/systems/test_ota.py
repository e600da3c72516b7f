"""System 10 as a whole."""

from __future__ import annotations

from functools import partial

import pytest

from lifstone.golden import InvalidValue
from lifstone.golden import ota as transconductor
from lifstone.golden.systems import find_system, replaced

# Without its usual 1e-12, which would swallow amperes and volts squared.
approx = partial(pytest.approx, abs=0.0)

OTA = find_system("ota")


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"mirror": False, "n_slope": 1.0},
        {"c": 1e-15, "temperature": 350.0},
        {"tau_mem": 1.0, "v_step": 0.01, "seed": 1},
        {"tau_mem": 1e-5, "v_step": 5.0, "resistor_drift": -1e-3},
    ],
)
def test_ota_agrees_with_its_references(changes: dict[str, float]) -> None:
    result = OTA.run(replaced(OTA.parameters(), changes))
    assert [c.name for c in result.checks if not c.holds] == []
    assert (len(result.checks), len(result.panels)) == (11, 4)


def test_ota_observes_the_time_constant_that_was_wanted() -> None:
    result = OTA.run(replaced(OTA.parameters(), {"tau_mem": 7e-3, "paths": 100}))
    found = {f.name: f.value for f in result.figures}
    assert found["tau"] == approx(7e-3, rel=1e-12)
    assert found["slew rate"] == approx(found["bias"] / 10e-12, rel=1e-12)
    assert found["g_m"] == approx(10e-12 / 7e-3, rel=1e-12)
    kt = transconductor.BOLTZMANN * 300.15
    assert found["rms noise"] == approx((2.6 * kt / 10e-12) ** 0.5, rel=1e-9)


def test_ota_refuses_impossible_silicon() -> None:
    for changes, message in (
        ({"c": 0.0}, r"c = 0\.0: allowed is finite numbers above 0 F"),
        ({"n_slope": 0.9}, r"n_slope = 0\.9"),
        ({"t_low": 500.0}, r"t_low = 500\.0: allowed is below t_high"),
        ({"mirror": 2}, "mirror = 2: allowed is true or false"),
        ({"speed": 1.0}, "parameter = 'speed'"),
    ):
        with pytest.raises(InvalidValue, match=message):
            replaced(OTA.parameters(), changes)

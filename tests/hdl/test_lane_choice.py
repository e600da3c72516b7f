"""The forecast of clocks against the compiled RTL, and lanes chosen by it."""

from __future__ import annotations

import numpy as np
import pytest

from lifstone.golden import InvalidValue, NetworkContract
from lifstone.hdl import generate
from lifstone.hdl.devices import CELLS
from lifstone.hdl.lane_choice import choose_lanes
from lifstone.hdl.latency import Counts, forecast, spike_counts
from lifstone.sim.digits import encode, load_digits
from lifstone.sim.rtl.bulk import BulkRtl
from lifstone.sim.simulate import Simulator
from tests.hdl.test_placement import digits, layered

SPIKES = {"pixels": encode(load_digits().test_images[:12])}


def counts(contract: NetworkContract, spikes: dict[str, np.ndarray]) -> Counts:
    traces = Simulator(contract).run(spikes, record=("spikes",))
    return spike_counts({**spikes, **{n: t.spikes for n, t in traces.items()}})


@pytest.mark.parametrize("lanes", [1, 4, {"hidden": 8, "digit": 2}])
def test_the_forecast_is_near_the_clocks_of_the_rtl(lanes: int | dict[str, int]) -> None:
    contract = digits()
    run = BulkRtl(generate(contract, lanes=lanes), optimise=False).run(SPIKES)
    assert run.failure == ""
    found = forecast(contract, lanes, counts(contract, SPIKES))
    assert found.shape == (12,)
    np.testing.assert_allclose(found, run.cycles, rtol=0.02)


def test_the_fewest_lanes_that_are_quick_enough() -> None:
    contract = digits()
    have = counts(contract, SPIKES)
    choice = choose_lanes(contract, "ulx3s", have, clock=1e6, latency=6e-3)
    assert choice.clocks <= 6000 <= choice.worst_clocks * 2
    assert choice.clocks == pytest.approx(float(forecast(contract, choice.lanes, have).mean()))
    for name, count in choice.lanes.items():
        if count > 1:
            fewer = {**choice.lanes, name: count // 2}
            assert forecast(contract, fewer, have).mean() > 6000
    assert choose_lanes(contract, "ulx3s", have, clock=1e6, latency=1e3).lanes == {
        "hidden": 1,
        "digit": 1,
    }


def test_the_quickest_within_an_area() -> None:
    contract = digits()
    have = counts(contract, SPIKES)
    small = choose_lanes(contract, "ulx3s", have, clock=1e6, cells=3000)
    large = choose_lanes(contract, "ulx3s", have, clock=1e6, cells=8000)
    assert small.area.used[CELLS] <= 3000 < large.area.used[CELLS] <= 8000
    assert large.clocks < small.clocks


def test_targets_that_cannot_be_met_name_the_nearest() -> None:
    contract = digits()
    have = counts(contract, SPIKES)
    with pytest.raises(InvalidValue, match=r"latency = 0.0001: allowed is at least") as caught:
        choose_lanes(contract, "icebreaker", have, clock=1e6, latency=1e-4)
    said = caught.value.allowed
    assert "--lanes hidden=" in said
    assert "more lanes take DSP" in said
    nearest = float(said.split("at least ")[1].split(" s")[0])
    again = choose_lanes(contract, "icebreaker", have, clock=1e6, latency=nearest * 1.001)
    assert f"--lanes hidden={again.lanes['hidden']},digit={again.lanes['digit']}" in said
    with pytest.raises(InvalidValue, match=r"cells = 300: allowed is at least .* one lane"):
        choose_lanes(contract, "icebreaker", have, clock=1e6, cells=300)
    with pytest.raises(
        InvalidValue, match=r"latency = .*more lanes take .* cells, more than 1,700"
    ):
        choose_lanes(contract, "ulx3s", have, clock=1e6, latency=3e-3, cells=1700)


def test_a_network_that_does_not_fit_at_all() -> None:
    big = layered(3000, 128)
    have = counts(big, {"in": np.zeros((2, 1, 3000), np.uint8)})
    with pytest.raises(InvalidValue, match=r"network = .*RAM blocks .* of 30"):
        choose_lanes(big, "icebreaker", have, clock=1e6)


def test_counts_must_name_everything() -> None:
    with pytest.raises(InvalidValue, match=r"counts.hidden = None"):
        forecast(digits(), 1, {"pixels": np.zeros((2, 1), np.int64)})

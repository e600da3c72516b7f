"""The network layer against the plain NumPy loop of the reference."""

from __future__ import annotations

from bench.ratio import Ratio
from lifstone.sim.measure import measure_layer

__all__ = ["measure"]

UNIT = "neuron updates/s"


def measure() -> list[Ratio]:
    """A batch of samples in the layer against one sample in ``run_float``, ``run_contract``."""
    speed = measure_layer()
    return [
        Ratio("network layer / plain loop, float", speed.layer_float, speed.golden_float, UNIT),
        Ratio(
            "network layer / plain loop, integer", speed.layer_integer, speed.golden_integer, UNIT
        ),
    ]

"""The analog body: a capacitor, an OTA, a comparator and a reset switch, in ngspice."""

from .measure import measure_rate, measure_tau, spike_times
from .netlist import Transient, netlist
from .neuron import Mapping, OtaNeuron, from_lif
from .run import Waveform, simulate

__all__ = [
    "Mapping",
    "OtaNeuron",
    "Transient",
    "Waveform",
    "from_lif",
    "measure_rate",
    "measure_tau",
    "netlist",
    "simulate",
    "spike_times",
]

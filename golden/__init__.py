"""Mathematics of LIF neurons: float models, the integer contract, verdicts.

Needs NumPy and SciPy, nothing else; no other room of lifstone is imported here.
"""

from .contract import CONTRACT_VERSION, Contract, Decay, Drive
from .discrete import Coefficients, Method, Trace, discretise
from .errors import InvalidValue, MissingTool
from .event import EventSolution, solve
from .fixed import Rounding
from .lif import Lif, Reset
from .network import Connection, Network
from .quantise import DecayMode, IntConnection, NetworkContract, Quantised, Widths, quantise
from .reference import run_contract, run_float
from .verdict import Difference, Status, Verdict, compare_exact, first_difference

__all__ = [
    "CONTRACT_VERSION",
    "Coefficients",
    "Connection",
    "Contract",
    "Decay",
    "DecayMode",
    "Difference",
    "Drive",
    "EventSolution",
    "IntConnection",
    "InvalidValue",
    "Lif",
    "Method",
    "MissingTool",
    "Network",
    "NetworkContract",
    "Quantised",
    "Reset",
    "Rounding",
    "Status",
    "Trace",
    "Verdict",
    "Widths",
    "compare_exact",
    "discretise",
    "first_difference",
    "quantise",
    "run_contract",
    "run_float",
    "solve",
]

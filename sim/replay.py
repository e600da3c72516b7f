"""One neuron through an experiment that others recorded: do the spikes fall in the same steps?

The recordings are of the single-neuron experiment of Pedersen et al., "Neuromorphic
intermediate representation", Nature Communications 15, 8122 (2024), figure 3: a line of
input spikes into one LIF neuron, played by exact integration, by simulators and by chips.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..golden import Connection, Lif, Network, Widths, quantise, run_contract, run_float, solve
from ..golden.errors import InvalidValue, require
from ..golden.fidelity import match_spikes

__all__ = ["BODIES", "Match", "Recording", "read_trace_csv", "replay"]

BODIES = ("golden", "event-driven", "contract")
MAX_BYTES = 1 << 28


@dataclass(frozen=True, eq=False)
class Recording:
    """Input spikes, potential (in the recorder's own unit) and output spikes, each ``(steps,)``."""

    inputs: NDArray[np.uint8]
    v: NDArray[np.float64]
    spikes: NDArray[np.bool_]


@dataclass(frozen=True)
class Match:
    """How the spikes of one body lie against those of a recording, paired in order.

    ``matching`` pairs lie in the very same step; ``max_offset`` is the largest distance of
    a pair in steps (``None`` where there is no pair).
    """

    body: str
    expected: tuple[int, ...]
    got: tuple[int, ...]

    @property
    def _pairs(self) -> list[tuple[int, int]]:
        return list(zip(self.expected, self.got, strict=False))

    @property
    def matching(self) -> int:
        """Pairs in the same step."""
        return sum(a == b for a, b in self._pairs)

    @property
    def max_offset(self) -> int | None:
        """Largest distance of a pair, in steps."""
        return max((abs(a - b) for a, b in self._pairs), default=None)

    def within(self, steps: float) -> bool:
        """Whether every spike has its partner at most ``steps`` steps away."""
        a, b = (np.asarray(x, dtype=np.float64) for x in (self.expected, self.got))
        return match_spikes(a, b, steps)[1] is None

    def __str__(self) -> str:
        offset = "" if self.max_offset is None else f", largest offset {self.max_offset} steps"
        return (
            f"{self.body}: {self.matching} of {len(self.expected)} spikes in the same step"
            f"{offset}, {len(self.got)} spikes in all"
        )


def read_trace_csv(path: Path) -> Recording:
    """Read three columns: input spike, potential, output spike.

    A column of spikes may hold any one value besides 0: recorders write 1, or their step.

    Raises
    ------
    InvalidValue
        If the file is missing, too large, or has other than three columns of finite numbers.
    """
    path = Path(path)
    require(path.is_file(), "recording", str(path), "an existing .csv file")
    size = path.stat().st_size
    require(0 < size <= MAX_BYTES, "recording", f"{size} bytes", f"1 to {MAX_BYTES} bytes")
    try:
        table = np.loadtxt(path, delimiter=",", ndmin=2, dtype=np.float64)
    except (ValueError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())[:80]
        raise InvalidValue("recording", str(path), f"a table of numbers ({reason})") from None
    require(table.shape[1] == 3, "recording", f"{table.shape[1]} columns", "3 columns")
    for k, c in np.argwhere(~np.isfinite(table)):
        raise InvalidValue(f"recording[{k}, {c}]", float(table[k, c]), "finite numbers")
    for c, name in ((0, "input"), (2, "spike")):
        other = np.unique(table[table[:, c] != 0, c])
        require(other.size <= 1, f"recording.{name}", other[:3].tolist(), "0 and one other value")
    return Recording((table[:, 0] != 0).astype(np.uint8), table[:, 1], table[:, 2] != 0)


def replay(
    lif: Lif, dt: float, recording: Recording, widths: Widths | None = None
) -> dict[str, Match]:
    """The neuron's spikes on every mathematical body against the recorded ones.

    Parameters
    ----------
    lif
        One neuron; each input spike is a current of 1 held for one step.
    dt
        Step of the recording in seconds.
    widths
        Of the contract.

    Returns
    -------
    dict
        A :class:`Match` for each of :data:`BODIES`.

    Raises
    ------
    InvalidValue
        For more than one neuron, or widths that do not fit it.
    """
    require(lif.n == 1, "n", lif.n, "1: take one neuron with Lif.neuron(j)")
    net = Network(dt, {"in": 1}, {"lif": lif}, (Connection("in", "lif", [[1.0]]),), ("lif",))
    inputs = {"in": recording.inputs[:, None]}
    exact = solve(lif, recording.inputs.astype(np.float64), dt).spike_steps(dt)
    steps = {
        "golden": _steps(run_float(net, inputs)["lif"].spikes),
        "event-driven": tuple(int(k) for k in exact),
        "contract": _steps(run_contract(quantise(net, widths).contract, inputs)["lif"].spikes),
    }
    wanted = _steps(recording.spikes)
    return {body: Match(body, wanted, steps[body]) for body in BODIES}


def _steps(spikes: NDArray[np.bool_]) -> tuple[int, ...]:
    return tuple(int(k) for k in np.flatnonzero(spikes))

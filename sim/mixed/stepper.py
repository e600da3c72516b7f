"""ngspice that runs to a time, stops there, takes new source values and goes on.

The distributed libngspice crashes on external sources, so the sources are altered between two
stretches of one transient run. Every stop is made a breakpoint of the simulator: it stops there
to a millionth of a step, not at the next step it happens to take.
"""

from __future__ import annotations

from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from ...analog.run import listening_simulator
from ...golden.errors import require

__all__ = ["Stepper", "stepped_netlist"]

Array = NDArray[np.float64]
EARLY = 1e-6
"""Share of a step by which the stopping condition precedes the breakpoint that it is for."""


def stepped_netlist(elements: list[str], *, dt: float, steps: int, max_step: float) -> str:
    """A transient run of ``steps`` steps of ``dt`` seconds of a circuit of ``elements``."""
    require(dt > 0, "dt", dt, "above 0 seconds")
    require(steps >= 1, "steps", steps, "at least 1")
    require(0 < max_step <= dt, "max_step", max_step, f"above 0, at most dt = {dt:g}")
    return "\n".join(
        [
            "* in lock-step",
            *elements,
            f".tran {max_step!r} {(steps + 1) * dt!r} 0 {max_step!r} uic",
            ".end",
            "",
        ]
    )


class Stepper:
    """One transient run, in this process.

    Parameters
    ----------
    netlist
        As :func:`stepped_netlist` makes it.
    dt
        Seconds of a step.
    nodes
        Nodes to record.

    Raises
    ------
    MissingTool
        Without PySpice or libngspice.
    """

    def __init__(self, netlist: str, dt: float, nodes: tuple[str, ...]) -> None:
        self.dt = dt
        self.nodes = nodes
        self.k = 0
        self._rows: list[tuple[float, ...]] = []
        self._spice, self._notes = listening_simulator(self._keep)
        with suppress(NameError):
            self._spice.load_circuit(netlist)

    def _keep(self, values: dict[str, complex]) -> None:
        self._rows.append(tuple(values[name].real for name in ("time", *self.nodes)))

    def advance(self, sources: dict[str, float]) -> tuple[Array, Array]:
        """Set ``sources`` and run one step; the times and potentials that were simulated.

        Returns
        -------
        times, potentials
            ``(points,)`` and ``(points, nodes)``; the last point is the end of the step.

        Raises
        ------
        RuntimeError
            If the simulator gives up; with its last words.
        """
        for name, value in sources.items():
            self._do(f"alter {name} = {value!r}")
        self.k += 1
        self._rows.clear()
        self._do("delete all")
        self._spice._ngspice_shared.ngSpice_SetBkpt(self.k * self.dt)
        self._do(f"stop when time > {(self.k - EARLY) * self.dt!r}")
        self._do("run" if self.k == 1 else "resume")
        rows = np.array(self._rows, dtype=np.float64).reshape(-1, 1 + len(self.nodes))
        end = self.k * self.dt
        if rows.size == 0 or abs(rows[-1, 0] - end) > 2 * EARLY * self.dt:
            at = rows[-1, 0] if rows.size else 0.0
            words = " | ".join(self._notes[-4:])
            raise RuntimeError(f"ngspice stopped at {at:g} s instead of {end:g} s: {words}")
        return rows[:, 0], rows[:, 1:]

    def _do(self, command: str) -> None:
        # PySpice raises for every note on the error stream; the end of the step tells.
        with suppress(NameError):
            self._spice.exec_command(command)

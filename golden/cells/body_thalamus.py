"""System 8's relay cell in integers: a T current, cortical pulses and pallidal spikes.

A pulse is two events, one that opens the excitatory conductance and one that closes it; the
pallidal spikes of a step come as a binary number.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..cell import CellTrace
from ..lif import Lif
from ..pallidum import Pattern, afferent_spikes, filtered
from ..systems.system import Check
from ..systems.thalamus import Parameters, error_index, pulses, simulate
from ..unit import Projection, UnitContract
from .body import IntegerBody, binary_lines, step_lag
from .conductance import ConductanceCell
from .from_float import Scale, edge_gate, membrane_of, scale_of, synapse_of

__all__ = ["body"]

PATTERNS = (Pattern.IRREGULAR, Pattern.SYNCHRONOUS)
BITS = 4
"""Lines of the pallidal number."""


def body() -> IntegerBody:
    """One relay cell; the samples are the trials of the healthy and the parkinsonian pattern."""
    p = Parameters()
    g_exc, starts = pulses(p)
    seeds = [p.seed + 100 * k for k in range(p.trials)]
    counts = np.stack(
        [
            afferent_spikes(pattern, p.rate, p.afferents, p.duration, p.dt, seed)
            for seed in seeds
            for pattern in PATTERNS
        ],
        axis=1,
    )
    unit = _unit(p)
    change = np.diff((g_exc > 0).astype(np.int64), prepend=0)
    edges = np.stack([change > 0, change < 0], axis=1).astype(np.uint8)
    inputs = {
        "cortex": np.repeat(edges[:, None], counts.shape[1], axis=1),
        "pallidum": binary_lines(counts, BITS),
    }

    def checks(trace: CellTrace) -> tuple[Check, ...]:
        inhibition = [
            filtered(counts[:, k], p.g_inh, p.tau_inh, p.dt) for k in range(counts.shape[1])
        ]
        _, wanted = simulate(p, g_exc, np.stack(inhibition, axis=1))
        got = trace.spikes[..., 0]
        mine, float_ = (_errors(s, starts, p.dt) for s in (got, wanted))
        because = "a spike that rounding moves by a step may cross the edge of a window"
        return (
            Check.absolute("largest distance of a spike, in steps", step_lag(got, wanted), 0.0, 1.0,
                           "1", "float model on the same grid",
                           "a crossing close to the end of a step falls into the next"),
            *(Check.absolute(f"error index, {pattern.name.lower()}", float(mine[k]),
                             float(float_[k]), 0.02, "1", "float model on the same grid", because)
              for k, pattern in enumerate(PATTERNS)),
        )  # fmt: skip

    return IntegerBody("thalamus", unit, inputs, len(g_exc), checks)


def _errors(
    spikes: NDArray[np.bool_], starts: NDArray[np.float64], dt: float
) -> NDArray[np.float64]:
    """Mean error index of each pattern."""
    found = [error_index(spikes[:, k], starts, dt) for k in range(spikes.shape[1])]
    return np.asarray(np.reshape(found, (-1, len(PATTERNS))).mean(axis=0))


def _unit(p: Parameters) -> UnitContract:
    cell = p.cell()
    bare = cell.membrane()
    rest = cell.v_leak + cell.current / cell.g_leak
    lif = Lif(
        tau_mem=bare.tau_mem,
        r=bare.r,
        v_leak=bare.v_leak,
        v_th=bare.v_th,
        v_reset=bare.v_reset,
        v_init=rest,
        t_ref=bare.t_ref,
    )
    scale: Scale = scale_of(lif, p.dt, 1.25 * (cell.v_th - cell.v_leak), width=22, fraction=24)
    pulse, spike = scale.g(np.full(1, p.g_pulse)), scale.g(np.full(1, p.g_inh))
    exc_bits = int(pulse.max()).bit_length()
    most = int(spike[0]) << BITS
    # A burst of all afferents, as often as the inhibition decays in between.
    inh_bits = (8 * most).bit_length()
    exc = synapse_of(scale, "exc", np.inf, cell.e_exc, width=exc_bits, acc_width=exc_bits + 1)
    inh = synapse_of(scale, "inh", p.tau_inh, cell.e_inh, width=inh_bits, acc_width=inh_bits + 1)
    gate = edge_gate(cell, scale, width=24)
    total = int(pulse[0]) + (1 << inh_bits) + int(gate.g_max[0])
    largest = total * 2.0**-scale.fraction + p.dt * cell.g_leak / cell.capacitance
    made = ConductanceCell(membrane_of(lif, scale, largest, cell.current), (exc, inh), (gate,))
    return UnitContract(
        made,
        {"cortex": 2, "pallidum": BITS},
        (
            Projection("cortex", "exc", np.stack([pulse, -pulse], axis=1)),
            Projection("pallidum", "inh", spike[:, None] << np.arange(BITS)),
        ),
        "relay",
    )

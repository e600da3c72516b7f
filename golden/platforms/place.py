"""Where each platform's words are set for a population of a float network.

Scales follow the largest weights and what a float run reached; each function says in
:attr:`~.mapping.Placed.notes` what its platform cannot express.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import InvalidValue, require
from ..fixed import Ints
from ..lif import Lif, Reset
from ..network import Network
from . import brainscales, loihi, spinnaker, truenorth
from .brainscales import BrainscalesPopulation, Spread
from .loihi import LoihiPopulation
from .mapping import Mapped, Placed, Reached, Scaled, assemble, reset_notes
from .odin import OdinPopulation
from .profile import Profile
from .spinnaker import SpinnakerPopulation, s1615
from .truenorth import ResetMode, TrueNorthPopulation

__all__ = ["PLATFORMS", "Cores", "map_network"]

Array = NDArray[np.float64]
NO_BIAS = np.zeros((0, 1), dtype=np.int64)
ROOM = 2.0
"""Words hold this many times what the float run reached."""


def map_network(
    network: Network, platform: str, reached: Mapping[str, Reached], *, chip: int = 0
) -> Mapped:
    """``network`` in the words of ``platform``, one of :data:`PLATFORMS`.

    Parameters
    ----------
    reached
        How far a float run got, by population.
    chip
        Seed of the mismatch between BrainScaleS circuits.

    Raises
    ------
    InvalidValue
        For an unknown platform, or a population that it cannot hold at all.
    """
    require(platform in PLATFORMS, "platform", platform, ", ".join(PLATFORMS))
    place = PLATFORMS[platform]
    return assemble(platform, network, reached, lambda s: place(s, chip))


def _int(a: Array) -> Ints:
    return np.asarray(np.rint(a), dtype=np.int64)


def _as_loihi(s: Scaled, chip: int) -> Placed:
    """One scale for the population: the chip shares a weight exponent and the rails."""
    top = ((1 << loihi.THRESHOLD_MANTISSA) - 1) << loihi.THRESHOLD_EXPONENT
    span = float(s.span.min()) if s.spiking else max(s.reached.potential, 1e-12)
    widest = float(s.span.max()) if s.spiking else span
    peak = float(max((np.abs(w * s.gain[:, None]).max(initial=0.0) for w in s.weights), default=0))
    # In bits of the threshold: the words of state, of a step's input, of a weight, a threshold.
    needs = (
        (ROOM * max(s.reached.potential, s.reached.drive), 1 << 23),
        (ROOM * s.reached.drive, 1 << 21),
        (peak, 254 << 13),
        (widest, top),
    )
    bits = next((b for b in range(20, 6, -1) if all(x < span * m / 2**b for x, m in needs)), 6)
    volts = span / 2.0**bits
    wanted = [w * s.gain[:, None] / volts for w in s.weights]
    # Rounded to even, the largest mantissa is 254.
    exponent = next((e for e in range(-6, 8) if peak / volts < 255 * 2.0 ** (6 + e)), 7)
    words = tuple(loihi.weight_words(w, exponent) for w in wanted)
    keep_u = np.zeros(s.n) if s.keep_syn is None else s.keep_syn
    # A bias reaches the potential past the synapse: what it leads to in the end is the same.
    bias = s.bias * s.charge / volts
    shift = next((k for k in range(8) if np.abs(bias).max() <= 4095.5 * 2**k), 7)
    v_th = _int(s.span / volts / 64) * 64 if s.spiking else np.full(s.n, top)
    profile = LoihiPopulation(
        s.n,
        np.clip(_int(loihi.DECAY_ONE * (1 - keep_u)) - 1, 0, loihi.DECAY_ONE - 1),
        _int(loihi.DECAY_ONE * (1 - s.keep_mem)),
        v_th,
        (_int(bias / 2**shift) << shift).astype(np.int64),
        # A readout never exceeds its threshold.
        v_max=2**23 - 1 if s.spiking else top,
        refract_delay=s.hold + 1,
    )
    unit, gain = np.full(s.n, volts), np.where(s.gain != 0, s.gain, 1.0)
    notes = reset_notes(s)
    if s.keep_syn is not None and s.bias.any():
        notes.append("the constant current does not pass the synapse")
    return Placed(profile, words, NO_BIAS, unit / gain, unit, s.lif.v_leak, tuple(notes))


def _as_spinnaker(s: Scaled, chip: int) -> Placed:
    """Millivolts in s16.15, or a power of two less where the run reaches further."""
    require(bool((s.keep_mem < 1).all()), "tau_mem", "inf", "finite: a closed-form leak")
    scale = 1e3
    finite = np.where(np.isfinite(s.span), s.span, 0.0)
    farthest = max(ROOM * s.reached.potential, float(np.abs(finite + s.lif.v_leak).max()))
    while scale * farthest > 32000:
        scale /= 2
    # What one unit of input is worth as a current with a resistance of one.
    per = s.gain / (1.0 - s.keep_mem)
    lif = Lif(
        tau_mem=_tau(s.keep_mem, s.dt),
        v_leak=s.lif.v_leak,
        v_th=s.lif.v_th if s.spiking else s.lif.v_leak + 65000 / scale,
        v_reset=s.lif.v_reset,
        v_init=s.lif.v_init,
        t_ref=s.hold * s.dt,
        tau_syn=None if s.keep_syn is None else _tau(s.keep_syn, s.dt),
        n=s.n,
    )
    profile = SpinnakerPopulation(lif, s.dt, scale)
    words = tuple(s1615(scale * per[:, None] * w) for w in s.weights)
    bias = s1615(scale * per * s.bias)[None] if s.bias.any() else NO_BIAS
    unit = 2.0**-spinnaker.FRACTION / scale
    notes = [n for n in reset_notes(s, elsewhere=True) if "v_init" not in n]
    zero, one = np.zeros(s.n), np.full(s.n, unit)
    return Placed(profile, words, bias, one / np.where(per != 0, per, 1.0), one, zero, (*notes,))


def _as_truenorth(s: Scaled, chip: int) -> Placed:
    """A scale for each neuron: 9-bit weights, and a leak of 9 bits that fits its threshold."""
    unit = _linear_unit(s, 255, 255, (1 << 18) - 1)
    alpha = _int(s.span / unit).clip(1, (1 << 18) - 1) if s.spiking else (1 << 18) - 1
    linear = s.lif.reset is Reset.SUBTRACT
    words = tuple(_int(w * (s.charge / unit)[:, None]).clip(-255, 255) for w in s.weights)
    mode = (ResetMode.LINEAR if linear else ResetMode.NORMAL) if s.spiking else ResetMode.NONE
    profile = TrueNorthPopulation(
        s.n,
        np.broadcast_to(alpha, s.n).astype(np.int64),
        leak=-_int(_span(s) / unit * (1 - s.keep_mem)).clip(0, 255),
        reset=mode,
        leak_reversal=True,
    )
    bias = _int(s.bias * s.charge / unit).clip(-255, 255)
    notes = [*reset_notes(s, subtract=True), *_linear_notes(s)]
    rows = np.concatenate([*words, np.zeros((s.n, 1), dtype=np.int64)], axis=1)
    if max(len(np.unique(row[row != 0])) for row in rows) > 4:
        notes.append("more than the four weights of a neuron on the chip, one an axon type")
    return Placed(
        profile, words, bias[None] if bias.any() else NO_BIAS, unit / _safe(s.charge), unit,
        s.lif.v_leak, tuple(notes),
    )  # fmt: skip


def _as_odin(s: Scaled, chip: int) -> Placed:
    """A scale for each neuron: weights of 4 bits, a leak of 7, a threshold of 11."""
    unit = _linear_unit(s, 7, 127, 2047)
    threshold = _int(s.span / unit).clip(1, 2047) if s.spiking else np.full(s.n, 2047)
    leak = _int(_span(s) / unit * (1 - s.keep_mem)).clip(0, 127)
    words = tuple(_int(w * (s.charge / unit)[:, None]).clip(-7, 7) for w in s.weights)
    bias = _int(s.bias * s.charge / unit)
    events = -(-int(np.abs(bias).max(initial=0)) // 7)
    rows = [np.clip(bias - 7 * k * np.sign(bias), -7, 7) for k in range(events)]
    rows = [np.where(np.abs(bias) > 7 * k, row, 0) for k, row in enumerate(rows)]
    notes = [*reset_notes(s), *_linear_notes(s)]
    if not s.spiking:
        notes.append("a readout's potential ends at the highest threshold")
    return Placed(
        Cores(s.n, threshold, leak),
        words,
        np.array(rows, dtype=np.int64).reshape(-1, s.n),
        unit / _safe(s.charge),
        unit,
        s.lif.v_leak,
        tuple(notes),
    )


def _as_brainscales(s: Scaled, chip: int) -> Placed:
    """The float model on mismatched circuits that were calibrated; weights of 6 bits."""
    leaky = s.keep_mem < 1
    per_step = np.where(leaky, 1.0 - s.keep_mem, s.dt)
    r = s.charge / per_step
    lif = Lif(
        tau_mem=_tau(s.keep_mem, s.dt), r=r, v_leak=s.lif.v_leak, v_th=s.lif.v_th,
        v_reset=s.lif.v_reset, v_init=s.lif.v_init, t_ref=s.hold * s.dt,
        tau_syn=None if s.keep_syn is None else _tau(s.keep_syn, s.dt), reset=s.lif.reset, n=s.n,
    )  # fmt: skip
    peak = max((float(np.abs(w).max(initial=0.0)) for w in s.weights), default=0.0)
    unit = peak / brainscales.WEIGHT_TOP if peak > 0 else 1.0
    words = tuple(_int(w / unit) for w in s.weights)
    profile = BrainscalesPopulation(lif, s.dt, unit, Spread(0.2, 0.1, 0.2), chip=chip)
    bias = _int(s.bias / unit)
    one = np.ones(s.n)
    return Placed(
        profile, words, bias[None] if bias.any() else NO_BIAS, np.full(s.n, unit), one,
        np.zeros(s.n), ("circuits differ by chance; calibrated to 10 bits",),
    )  # fmt: skip


PLATFORMS: dict[str, Callable[[Scaled, int], Placed]] = {
    "loihi": _as_loihi,
    "truenorth": _as_truenorth,
    "spinnaker": _as_spinnaker,
    "brainscales": _as_brainscales,
    "odin": _as_odin,
}
"""How each platform takes a population; ``odin`` is tinyODIN, whose synapses have signs."""


@dataclass(frozen=True, eq=False)
class Cores:
    """tinyODIN's neurons on as many cores of 256 as they fill."""

    n: int
    threshold: Ints
    leak: Ints

    @property
    def parts(self) -> list[OdinPopulation]:
        """The cores."""
        cuts = [slice(k, k + 256) for k in range(0, self.n, 256)]
        return [
            OdinPopulation(len(self.leak[c]), self.threshold[c], self.leak[c], tiny=True)
            for c in cuts
        ]

    def start(self) -> Ints:
        """All zero."""
        return np.zeros(self.n, dtype=np.int64)

    def advance(self, state: Ints, arrived: Ints) -> tuple[Ints, Ints]:
        """One step of every core."""
        done, first = [], 0
        for core in self.parts:
            part = slice(first, first + core.n)
            done.append(core.advance(state[part], arrived[:, part]))
            first += core.n
        return np.concatenate([v for v, _ in done]), np.concatenate([f for _, f in done])

    def potential(self, state: Ints) -> Ints:
        """``v``."""
        return state


def _tau(keep: Array, dt: float) -> Array:
    """The time constant whose decay in a step is ``keep``; of none at all, one that forgets."""
    with np.errstate(divide="ignore"):
        return np.asarray(
            np.where(keep < 1, -dt / np.log(np.clip(keep, 1e-300, 1 - 1e-16)), np.inf)
        )


def _span(s: Scaled) -> Array:
    """Volts from rest to threshold; of a readout, what it reached."""
    return s.span if s.spiking else np.full(s.n, max(s.reached.potential, 1e-12))


def _linear_unit(s: Scaled, weight: int, leak: int, threshold: int) -> Array:
    """Volts of a unit: no weight, leak or threshold is beyond its word."""
    span = _span(s)
    needs = [s.per_neuron(s.charge) / weight, span / threshold, span * (1 - s.keep_mem) / leak]
    return np.asarray(np.max(needs, axis=0))


def _linear_notes(s: Scaled) -> list[str]:
    out = ["the leak is a constant, that of the threshold"] if (s.keep_mem < 1).any() else []
    if s.keep_syn is not None:
        out.append("no synaptic current: its charge arrives at once")
    if s.hold.any():
        out.append("no refractory period")
    return out


def _safe(gain: Array) -> Array:
    return np.where(gain != 0, gain, 1.0)


def profile_bits(profile: Profile) -> int | None:
    """Bits of the membrane's word; ``None`` for an analog one."""
    kinds: dict[type, int] = {
        LoihiPopulation: loihi.STATE_BITS,
        SpinnakerPopulation: spinnaker.WIDTH,
        TrueNorthPopulation: truenorth.WIDTH,
        Cores: 12,
    }
    if type(profile) not in kinds and not isinstance(profile, BrainscalesPopulation):
        raise InvalidValue("profile", type(profile).__name__, "a population of a platform")
    return kinds.get(type(profile))

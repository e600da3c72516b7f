"""A recording made ready: spikes found, peaks set aside, brought to a scale of order one."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..errors import InvalidValue, require
from .detection import detect, without_artefacts, without_peaks
from .noisy import NAMES, POSITIVE
from .recording import Recording
from .segments import Segments, cut

__all__ = ["Samples", "prepare"]

Array = NDArray[np.float64]
Index = NDArray[np.int64]

BRIDGED = 16
"""Missing samples in a row that the filter predicts across; beyond, it starts anew."""
DOUBT = 0.01
"""Share of spikes expected to be wrong at first sight from which it is said."""
HIDING = 4
"""The same where spikes had to be detected: in a longer gap one is not looked for."""


NONE = np.zeros((0, 2), dtype=np.int64)
NONE.setflags(write=False)


@dataclass(frozen=True, eq=False)
class Samples:
    """Potential and input in units of ``unit`` and ``x_unit``, the potential from ``centre``.

    ``driven`` says whether the input varies, so that ``r`` can be told from ``v_leak``;
    where it does not, ``x`` is 0. ``windows`` are the first and last step that each spike may
    have fallen on, ``(spikes, 2)``; ``weak`` are drops that may be spikes after all.
    """

    y: Array
    x: Array
    dt: float
    windows: Index
    weak: Index
    detected: bool
    hold: int
    driven: bool
    centre: float
    unit: float
    x_unit: float
    notes: tuple[str, ...]

    @property
    def spikes(self) -> Index:
        """Steps of the spikes; of one among dropped samples the last it may have fallen on."""
        return self.windows[:, 1]

    @property
    def certain(self) -> Index:
        """Steps of the spikes whose step is known."""
        return np.asarray(self.windows[self.windows[:, 0] == self.windows[:, 1], 1])

    def segments(self) -> Segments:
        """The recording cut into pieces that are independent given the parameters."""
        longest = BRIDGED
        if self.detected:
            # In a longer gap a spike may have left no trace.
            longest = min(HIDING, self.shortest_interval() // 2)
        return cut(self.y, self.x, self.windows, self.hold, longest)

    def replaced(self, windows: Index) -> Samples:
        """The same with other spikes, and no doubt left about them."""
        return replace(self, windows=windows, weak=NONE)

    def held(self, hold: int) -> Samples:
        """The same with another refractory period, in steps."""
        return replace(self, hold=hold)

    def shortest_interval(self) -> int:
        """Fewest steps between two spikes; the number of samples where there are not two."""
        return int(np.diff(self.spikes).min(initial=self.y.size))

    def to_si(self, vector: Array) -> Array:
        """Parameters as :meth:`.Noisy.vector` from this scale to SI, ``(7,)``."""
        scale, shift = self._map()
        return vector * scale + shift

    def from_si(self, vector: Array) -> Array:
        """The inverse of :meth:`to_si`."""
        scale, shift = self._map()
        return (vector - shift) / scale

    def covariance_to_si(self, covariance: Array) -> Array:
        """Covariance of a vector from this scale to SI, ``(7, 7)``."""
        scale, _ = self._map()
        return covariance * np.outer(scale, scale)

    def _map(self) -> tuple[Array, Array]:
        scale, shift = np.ones(7), np.zeros(7)
        for k, name in enumerate(NAMES):
            if name == "r":
                scale[k] = self.unit / self.x_unit
            elif name.startswith("v_"):
                scale[k], shift[k] = self.unit, self.centre
            elif POSITIVE[k] and name != "tau_mem":
                shift[k] = np.log(self.unit)
        return scale, shift


@dataclass(frozen=True, eq=False)
class _Spikes:
    """Potential without peaks, windows as of :class:`Samples`, and what is to be said."""

    v: Array
    windows: Index
    weak: Index
    artefacts: int
    notes: tuple[str, ...]


def prepare(recording: Recording) -> Samples:
    """Spikes, peaks and scale of a recording.

    Raises
    ------
    InvalidValue
        If detected spikes lie closer than the refractory period that was given.
    """
    found = _detected(recording.v) if recording.spikes is None else _marked(recording)
    _check_interval(recording, found.windows)
    around = [np.arange(a - 1, b + recording.hold + 2) for a, b in found.windows.tolist()]
    kept = np.concatenate([np.zeros(0, dtype=np.int64), *around])
    v, more = _without_artefacts(found.v, kept, upwards=True)
    notes = list(found.notes)
    if found.artefacts + more:
        notes.append(f"{found.artefacts + more} samples of artefacts set aside")
    x = recording.x
    driven = x is not None and bool(np.ptp(x) > 0)
    if x is not None and not driven and x[0] != 0:
        notes.append("the input is constant: v_leak is the rest under that input, r unknown")
    x_unit = float(np.std(x)) if driven and x is not None else 1.0
    centre, unit = float(np.nanmean(v)), float(np.nanstd(v))
    require(unit > 0, "v", "a constant but for peaks", "a recording that moves")
    return Samples(
        y=(v - centre) / unit,
        x=x / x_unit if driven and x is not None else np.zeros(v.size),
        dt=float(recording.dt),
        windows=found.windows,
        weak=found.weak,
        detected=recording.spikes is None,
        hold=recording.hold,
        driven=driven,
        centre=centre,
        unit=unit,
        x_unit=x_unit,
        notes=tuple(notes),
    )


def _marked(recording: Recording) -> _Spikes:
    spikes = recording.spikes
    assert spikes is not None
    v = without_peaks(recording.v, spikes)
    peaks = int(np.isfinite(recording.v).sum() - np.isfinite(v).sum())
    notes = (f"{peaks} samples of peaks set aside",) if peaks else ()
    return _Spikes(v, np.stack([spikes, spikes], axis=1), NONE, 0, notes)


def _detected(v: Array) -> _Spikes:
    clean, artefacts = _without_artefacts(v, NONE.ravel(), upwards=False)
    found = detect(clean, HIDING)
    notes = []
    if found.peaks:
        notes.append(f"{found.peaks} samples of peaks set aside")
    if found.doubt > DOUBT:
        notes.append("resets are hard to see in the noise: some spikes may be wrong")
    return _Spikes(found.v, found.windows, found.weak, artefacts, tuple(notes))


def _without_artefacts(v: Array, kept: Index, upwards: bool) -> tuple[Array, int]:
    clean = without_artefacts(v, kept, upwards)
    return clean, int(np.isfinite(v).sum() - np.isfinite(clean).sum())


def _check_interval(recording: Recording, windows: Index) -> None:
    shortest = int((windows[1:, 1] - windows[:-1, 0]).min(initial=recording.v.size))
    if recording.t_ref is not None and recording.hold >= shortest:
        allowed = f"below the shortest interval, {shortest * recording.dt:g} s"
        raise InvalidValue("t_ref", recording.t_ref, allowed)

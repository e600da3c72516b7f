"""A recording of one neuron: potential, input current and spikes, one sample a step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InvalidValue, require

__all__ = ["Recording"]

Array = NDArray[np.float64]
Index = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Recording:
    """``samples`` values of the potential, each taken at the end of a step of ``dt``.

    Parameters
    ----------
    v
        Potential in volts, ``(samples,)``; ``nan`` is a dropped sample. At a spike's step it is
        the potential after reset, or a peak, which is recognised and set aside.
    dt
        Seconds between samples.
    x
        Known input current in amperes, held over the step that ends with the sample,
        ``(samples,)``; ``None``: none.
    spikes
        Steps of the spikes, ascending; ``None``: to be detected from the potential.
    t_ref
        Refractory period in seconds; ``None``: to be found with the other parameters.

    Raises
    ------
    InvalidValue
        For an empty, constant or all-missing recording, a ``dt`` not above 0, an infinite
        potential, an input that is not finite, spikes that are unsorted or out of range, or
        closer than the refractory period.
    """

    v: Array
    dt: float
    x: Array | None = None
    spikes: Index | None = None
    t_ref: float | None = 0.0

    def __post_init__(self) -> None:
        number = isinstance(self.dt, int | float | np.integer | np.floating)
        good = number and bool(np.isfinite(self.dt)) and self.dt > 0
        require(good, "dt", self.dt, "a finite number greater than 0, in seconds")
        v = _column("v", self.v)
        object.__setattr__(self, "v", v)
        require(v.size >= 8, "v", f"{v.size} samples", "at least 8 samples")
        for k in np.flatnonzero(np.isinf(v)):
            raise InvalidValue(f"v[{k}]", float(v[k]), "a finite number, or nan where missing")
        finite = v[np.isfinite(v)]
        require(finite.size > 0, "v", "nan throughout", "a recording with values")
        require(np.ptp(finite) > 0, "v", "a constant", "a recording that moves")
        if self.x is not None:
            x = _column("x", self.x)
            require(x.size == v.size, "x", f"{x.size} values", f"{v.size} values, as many as v")
            for k in np.flatnonzero(~np.isfinite(x)):
                raise InvalidValue(f"x[{k}]", float(x[k]), "finite numbers")
            object.__setattr__(self, "x", x)
        if self.t_ref is not None:
            good = np.isfinite(self.t_ref) and self.t_ref >= 0
            require(good, "t_ref", self.t_ref, "a finite number from 0, in seconds, or None")
        if self.spikes is not None:
            object.__setattr__(self, "spikes", _steps(self.spikes, v.size))
            self._check_refractory(self.spikes)

    def _check_refractory(self, spikes: Index) -> None:
        shortest = int(np.diff(spikes).min(initial=self.v.size))
        if self.t_ref is not None and self.hold >= shortest:
            allowed = f"below the shortest interval, {shortest * self.dt:g} s"
            raise InvalidValue("t_ref", self.t_ref, allowed)

    @property
    def hold(self) -> int:
        """Refractory period in steps; 0 where it is not known."""
        return 0 if self.t_ref is None else round(self.t_ref / self.dt)

    @staticmethod
    def of(
        v: ArrayLike,
        dt: float,
        x: ArrayLike | None = None,
        spikes: ArrayLike | None = None,
        spike_times: ArrayLike | None = None,
        t_ref: float | None = 0.0,
    ) -> Recording:
        """A recording whose spikes are a mark a sample (0 or 1), or times in seconds.

        Times count from the first sample; a spike belongs to the first sample not before it.
        """
        require(spikes is None or spike_times is None, "spike_times", "given", "none with spikes")
        steps: Index | None = None
        potential = _column("v", v)
        if spikes is not None:
            marks = _column("spikes", spikes)
            wanted = f"{potential.size} values, as many as v"
            require(marks.size == potential.size, "spikes", f"{marks.size} values", wanted)
            for k in np.flatnonzero(~np.isin(marks, (0.0, 1.0))):
                raise InvalidValue(f"spikes[{k}]", float(marks[k]), "0 or 1")
            steps = np.flatnonzero(marks).astype(np.int64)
        elif spike_times is not None:
            times = _column("spike_times", spike_times)
            for k in np.flatnonzero(~np.isfinite(times)):
                raise InvalidValue(f"spike_times[{k}]", float(times[k]), "finite numbers")
            require(np.isfinite(dt) and dt > 0, "dt", dt, "a finite number greater than 0")
            last = (potential.size - 1) * dt
            for k in np.flatnonzero((times < 0) | (times > last * (1 + 1e-9))):
                raise InvalidValue(f"spike_times[{k}]", float(times[k]), f"0 to {last:g} s")
            steps = np.ceil(times / dt - 1e-6).astype(np.int64)
        current = None if x is None else _column("x", x)
        return Recording(potential, dt, current, steps, t_ref)


def _column(name: str, value: ArrayLike) -> Array:
    try:
        out = np.array(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise InvalidValue(name, value, "numbers") from None
    require(out.ndim == 1, name, list(out.shape), "one dimension")
    out.setflags(write=False)
    return out


def _steps(spikes: ArrayLike, samples: int) -> Index:
    steps = np.array(spikes)
    good = steps.ndim == 1 and (steps.size == 0 or np.issubdtype(steps.dtype, np.integer))
    require(good, "spikes", spikes, "whole step numbers in one dimension")
    for k in np.flatnonzero((steps < 0) | (steps >= samples)):
        raise InvalidValue(f"spikes[{k}]", int(steps[k]), f"0 to {samples - 1}")
    for k in np.flatnonzero(np.diff(steps) <= 0):
        raise InvalidValue(f"spikes[{k + 1}]", int(steps[k + 1]), f"above {int(steps[k])}, sorted")
    out = steps.astype(np.int64)
    out.setflags(write=False)
    return out

"""From a recording to samples that every method takes: spikes, refractory period, scale."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..errors import InvalidValue
from .baseline import starting_point
from .likelihood import rough_log_likelihood
from .recheck import recheck
from .recording import Recording
from .samples import Samples, prepare

__all__ = ["ready"]

LONGEST_HOLD = 256
"""Steps up to which an unknown refractory period is looked for."""


def ready(recording: Recording) -> Samples:
    """Prepare, find the refractory period where it is not given, look twice at found spikes.

    Raises
    ------
    InvalidValue
        As of :func:`.prepare`.
    """
    s = prepare(recording)
    if recording.t_ref is None:
        s = _with_hold(s)
    if recording.spikes is not None:
        return s
    s = recheck(s)
    notes = [f"{len(s.windows)} spikes detected from the potential"]
    hidden = len(s.windows) - s.certain.size
    if hidden:
        notes.append(f"{hidden} of them among dropped samples: summed over their steps")
    return replace(s, notes=(*notes, *s.notes))


def _with_hold(s: Samples) -> Samples:
    """The refractory period, whole steps below the shortest interval, that fits the best."""
    if not s.spikes.size:
        return s
    plain = replace(s, windows=np.stack([s.spikes, s.spikes], axis=1))
    best, top = 0, -np.inf
    for hold in range(min(plain.shortest_interval(), LONGEST_HOLD)):
        trial = plain.held(hold)
        try:
            value = rough_log_likelihood(trial.segments(), starting_point(trial), s.dt)
        except InvalidValue:
            continue
        if value > top:
            best, top = hold, value
    note = f"refractory period found from the potential: {best} steps"
    return replace(s.held(best), notes=(*s.notes, note))

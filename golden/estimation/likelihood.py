"""Likelihood of a recording under the noisy neuron, with its score and the smoothed potential.

Kalman filter away from the threshold, nodes near it: together the exact likelihood of the sampled
model, all parameters at once. The score is Fisher's identity: the expectation of the complete
data's score given the observations (Cappe, Moulines & Ryden, "Inference in Hidden Markov Models"
(2005), section 10.1).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr

from . import grid, hidden, kalman
from .kalman import Moments
from .noisy import Noisy, Step
from .segments import Segments

__all__ = ["Evaluation", "evaluate", "nodes_for", "rough_log_likelihood"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What the recording says about one set of parameters.

    Parameters
    ----------
    log_likelihood
        Of each independent part of the recording, ``(parts,)``: a segment, or where spikes are
        hidden a chain of them.
    score
        Its derivative by :meth:`.Noisy.vector`, ``(parts, 7)``.
    weight
        Of each segment among those that exclude each other, ``(n,)``.
    smoothed
        Mean and variance of the potential given the whole recording, ``(2, steps + 2, n)``.
    predicted
        Mean and variance of the potential given the past, before the threshold is considered.
    """

    log_likelihood: Array
    score: Array
    weight: Array
    smoothed: Array
    predicted: Array


def nodes_for(seg: Segments, neuron: Noisy, dt: float) -> int:
    """Nodes that the filter needs for parameters near ``neuron``."""
    c = neuron.step(dt)
    f = kalman.forward(seg, c)
    return grid.nodes_needed(c, f.variance)


def rough_log_likelihood(seg: Segments, neuron: Noisy, dt: float) -> float:
    """Quick: potentials as if no threshold were there, spikes by the chance to be above it."""
    c = neuron.step(dt)
    f = kalman.forward(seg, replace(c, v_th=np.inf))
    fired = np.flatnonzero(seg.fired)
    last = (seg.length[fired], fired)
    mean = c.a * f.mean[last] + c.b + c.g * seg.x[seg.length[fired] + 1, fired]
    spread = np.sqrt(c.a**2 * f.variance[last] + c.q**2)
    crossing = log_ndtr((mean - c.v_th) / spread)
    return float((f.log_likelihood + _held(seg, c)).sum() + crossing.sum())


def evaluate(seg: Segments, neuron: Noisy, dt: float, nodes: int) -> Evaluation:
    """Log-likelihood and score of every part of a recording."""
    c = neuron.step(dt)
    f = kalman.forward(seg, c)
    near = grid.run(seg, c, f, nodes)
    last = np.minimum(f.near - 1, seg.length)
    columns = np.arange(seg.n)
    mean, variance = f.mean[last, columns], f.variance[last, columns]
    mean[near.rows], variance[near.rows] = near.mean, near.variance
    m, p, moments = kalman.smooth(seg, c, f, mean, variance)
    moments.add(near.rows, near.moments)
    log_likelihood = f.log_likelihood + _held(seg, c)
    log_likelihood[near.rows] += near.log_likelihood
    early = np.arange(m.shape[0])[:, None] < f.near
    predicted = np.where(early, np.stack([f.predicted, f.spread]), near.ahead)
    total, weight, part = hidden.combine(seg, log_likelihood)
    score = np.zeros((total.size, 7))
    np.add.at(score, part, weight[:, None] * (_score(seg, c, moments) @ neuron.jacobian(dt)))
    return Evaluation(total, score, weight, np.stack([m, p]) + near.states, predicted)


def _held(seg: Segments, c: Step) -> Array:
    """Log-likelihood of the samples at reset."""
    n, _, _ = seg.held
    return np.asarray(-n * np.log(c.s * np.sqrt(2 * np.pi)) - 0.5 * _reset_error(seg, c) / c.s**2)


def _reset_error(seg: Segments, c: Step) -> Array:
    n, total, squares = seg.held
    return np.asarray(squares - 2 * c.v_reset * total + n * c.v_reset**2)


def _score(seg: Segments, c: Step, e: Moments) -> Array:
    """Derivative by ``(a, b, g, ln q, ln s, v_th, v_reset)``, ``(n, 7)``."""
    n, total, _ = seg.held
    q2, s2 = c.q**2, c.s**2
    return np.column_stack(
        [
            e.dv / q2,
            e.d / q2,
            e.dx / q2,
            e.dd / q2 - e.n,
            (e.error + _reset_error(seg, c)) / s2 - e.seen - n,
            e.edge,
            c.a * e.first / q2 + (total - n * c.v_reset) / s2,
        ]
    )

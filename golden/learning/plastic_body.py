"""The learning systems on the plastic core: contract, stimulus, and figures against theory.

:func:`plastic_body` makes the body of a system by the system's key; the same contract generates
the RTL. ::

    body = plastic_body("istdp")
    states, spikes = body.run()
    assert all(check.holds for check in body.checks(states, spikes))
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..discrete import discretise, initial_state
from ..discrete import step as lif_step
from ..errors import require
from ..fixed import Ints
from ..network import Connection, Network
from ..quantise import quantise
from ..systems.istdp import CHANNELS, Parameters
from ..systems.system import Check
from ..widths import Widths
from .association import Association, accuracy, learn
from .inhibitory import start as start_traces
from .inhibitory import step as rule_step
from .inhibitory_integer import quantise_rule, target_of
from .integer_update import WeightWord
from .plastic import PlasticContract, plastic_steps

__all__ = ["BODIES", "PlasticBody", "plastic_body"]

Checks = Callable[[Ints, NDArray[np.bool_]], tuple[Check, ...]]


@dataclass(frozen=True, eq=False)
class PlasticBody:
    """A learning system in integers.

    Parameters
    ----------
    key
        Of the system.
    contract
        The population.
    inputs
        Default stimulus, 0/1 by kind of line, ``(steps, samples, lines)``.
    checks
        Figures from the weights at the end, ``(samples, n, lines)``, and the spikes of the run,
        ``(steps, samples, n)``, each with tolerance and reason.
    """

    key: str
    contract: PlasticContract
    inputs: Mapping[str, NDArray[np.uint8]]
    checks: Checks

    def run(self) -> tuple[Ints, NDArray[np.bool_]]:
        """Weights at the end and spikes of the golden run."""
        fired = []
        weight = self.contract.start
        for state, spikes in plastic_steps(self.contract, dict(self.inputs)):
            fired.append(spikes)
            weight = state.weight
        return weight, np.array(fired)


def plastic_body(key: str) -> PlasticBody:
    """The body of a learning system, with its default stimulus.

    Raises
    ------
    InvalidValue
        For a system without one.
    """
    require(key in BODIES, "system", key, ", ".join(BODIES))
    return BODIES[key]()


EXCITATORY = 10
"""Excitatory lines of a channel."""
SAMPLES = 8
STARTS = (0.0, 0.6)
"""Inhibitory weights at the start, thresholds: a neuron that fires too much, one too little."""


def _inhibitory() -> PlasticBody:
    """Two neurons come to the target rate, one from above and one from below."""
    p = replace(Parameters(), duration=12.0)
    profile = 0.035 + 0.05 * np.exp(-((np.arange(CHANNELS) - 3.5) ** 2) / 5.0)
    weights = np.repeat(profile, EXCITATORY)[None].repeat(2, axis=0)
    net = Network(p.dt, {"x": weights.shape[1]}, {"p": p.neurons(2)},
                  (Connection("x", "p", weights),), ("p",))  # fmt: skip
    made = quantise(net, Widths(state=18, weight=10, fraction=12)).contract
    fixed = made.connections[0].weight
    scale, fine, width = float(fixed.max()) / float(weights.max()), 6, 24
    felt = round(p.rule().w_max * scale)
    word = WeightWord(width, fine, 0, felt << fine, -1)
    rule = quantise_rule(p.rule(), p.dt, 1.0 / (scale * (1 << fine)))
    felt_start = np.round(np.array(STARTS) * scale).astype(np.int64)
    start = np.repeat((felt_start << fine)[:, np.newaxis], CHANNELS, axis=1)
    neurons = replace(made.populations["p"], acc_width=20)
    contract = PlasticContract(neurons, start, word, rule, fixed)
    inputs = _fluctuating(p)

    def checks(weight: Ints, spikes: NDArray[np.bool_]) -> tuple[Check, ...]:
        target, float_spikes = target_of(rule, p.dt), _in_floats(p, weights[0], inputs)
        late, real = (a[-len(a) // 2 :].mean(axis=0) / p.dt for a in (spikes, float_spikes))
        first = spikes[: int(1.0 / p.dt)].mean(axis=(0, 1)) / p.dt
        error = (late - real).std(axis=0, ddof=1) / SAMPLES**0.5
        out = []
        for j, begun in enumerate(("too fast", "too slow")):
            rate = float(late[:, j].mean())
            out += [
                Check.sigma(f"rate reached, {begun} at the start", rate, float(real[:, j].mean()),
                            float(error[j]), 4.0, "Hz", "float rule and neuron, same input",
                            "eight runs, each against its own"),
                Check.relative(f"distance from the target, {begun} at the start", rate, target,
                               0.15, "Hz", "target of independent trains",
                               "inputs that fire the neuron come with it: the target moves"),
            ]  # fmt: skip
        parted = float((first[0] > 1.5 * target) and (first[1] < 0.5 * target))
        out.append(
            Check.absolute("they start on either side of the target", parted, 1.0, 0.0, "1",
                           "rates of the first second", "a rule that does nothing must not pass")
        )  # fmt: skip
        return tuple(out)

    return PlasticBody("istdp", contract, inputs, checks)


def _in_floats(
    p: Parameters, profile: NDArray[np.float64], inputs: Mapping[str, NDArray[np.uint8]]
) -> NDArray[np.bool_]:
    """Spikes of the float rule and neurons under the same input, ``(steps, samples, 2)``."""
    lif, rule = p.neurons(2), p.rule()
    c, state = discretise(lif, p.dt), initial_state(lif, (SAMPLES,))
    traces = start_traces(2, CHANNELS, (SAMPLES,))
    weight = np.tile(np.array(STARTS)[:, None], (SAMPLES, 1, CHANNELS))
    out = np.zeros((len(inputs["fixed"]), SAMPLES, 2), np.bool_)
    for k, (exc, inh) in enumerate(zip(inputs["fixed"], inputs["plastic"], strict=True)):
        drive = (exc @ profile)[:, None] - np.einsum("bc,bpc->bp", inh, weight)
        state, out[k] = lif_step(lif, c, state, drive)
        post = out[k].astype(np.float64)
        traces, weight = rule_step(rule, traces, weight, inh.astype(np.float64), post, p.dt)
    return out


def _fluctuating(p: Parameters) -> dict[str, NDArray[np.uint8]]:
    """Channels whose rates fluctuate, excitation and inhibition together, as in the system."""
    rng = np.random.default_rng([p.seed, 92])
    steps = int(p.duration / p.dt)
    slow = float(np.exp(-p.dt / 50e-3))
    signal = np.zeros((SAMPLES, CHANNELS))
    fixed = np.zeros((steps, SAMPLES, CHANNELS * EXCITATORY), np.uint8)
    plastic = np.zeros((steps, SAMPLES, CHANNELS), np.uint8)
    for k in range(steps):
        signal = slow * signal + np.sqrt(1 - slow**2) * rng.normal(size=signal.shape)
        rate = np.clip(20.0 + 14.0 * signal, 0.0, None) * p.dt
        fixed[k] = rng.random(fixed.shape[1:]) < np.repeat(rate, EXCITATORY, axis=1)
        plastic[k] = rng.random(rate.shape) < 2.0 * rate
    return {"plastic": plastic, "fixed": fixed}


def _eprop() -> PlasticBody:
    """Four neurons learn a delayed association in 400 trials."""
    task = Association()
    run = learn(task, (0,), "e-prop", 400)

    def checks(weight: Ints, spikes: NDArray[np.bool_]) -> tuple[Check, ...]:
        (net,) = run.nets
        before, after = (accuracy(task, net, w) for w in (net.start, weight[0]))
        chance = 1.0 / task.classes
        return (
            Check.absolute("accuracy before learning", before, chance, 0.1, "1", "chance",
                           "random weights know no pattern"),
            Check.absolute("accuracy after learning", after, 1.0, 0.25, "1", "no error",
                           "five seeds give 0.82 to 0.91; chance is 0.25"),
        )  # fmt: skip

    return PlasticBody("eprop", run.nets[0], run.inputs, checks)


BODIES: dict[str, Callable[[], PlasticBody]] = {"istdp": _inhibitory, "eprop": _eprop}
"""What makes the body of each learning system."""

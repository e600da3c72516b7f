"""From a network to its verdict in one call, and from there to the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from .case import choose_neurons, contract_of, prepare
from .console import write_text
from .golden import Network, Widths
from .golden.network import check_inputs
from .hdl import Design, read_design
from .sim.nir_read import read_nir
from .stimulus import Stimulus, random_stimulus, read_stimulus
from .verdicts import BODIES, Options, Verification
from .verdicts import verify as run

__all__ = ["verify", "write_report"]


def verify(
    model: Network | str | Path,
    stimulus: Mapping[str, ArrayLike] | Stimulus | str | Path | None = None,
    *,
    widths: Widths | Mapping[str, Widths] | None = None,
    bodies: Sequence[str] = BODIES,
    neurons: int | Sequence[tuple[str, int]] = 1,
    tolerance: float | None = None,
    design: Design | str | Path | None = None,
    cocotb: Sequence[str] = (),
    steps: int = 200,
    rate: float = 0.2,
    seed: int = 0,
) -> Verification:
    """Run a network on every body and compare each with its reference.

    Parameters
    ----------
    model
        A network, or the path of a ``.nir`` file.
    stimulus
        Input spikes 0/1 by input, ``(steps, n)`` or ``(steps, samples, n)``; a ``.npz`` or
        ``.csv`` file; random with ``steps``, ``rate`` and ``seed`` unless given.
    widths
        Words of the integer contract, for all populations or by name; the binary point is
        calibrated unless given.
    bodies
        Some of ``golden``, ``network``, ``rtl``, ``spice``.
    neurons
        Neurons compared in continuous time and in SPICE: so many of each population, or
        pairs of population and index.
    tolerance
        Largest distance of spike times in SPICE, seconds; one step of the network unless given.
    design
        RTL to verify, or the folder it was written to; generated unless given.
    cocotb
        Simulators on which the RTL runs under cocotb, too: some of ``icarus``, ``verilator``.

    Returns
    -------
    Verification
        ``conforms`` says whether every body does what its reference does, ``faithful`` whether
        no spike was moved besides; ``rows`` hold the verdicts.

    Raises
    ------
    InvalidValue
        For a broken file, or values out of range.
    MissingTool
        Without a simulator that a body needs.
    """
    network = model if isinstance(model, Network) else read_nir(Path(model)).network
    quantised = contract_of(network, widths or Widths())
    if stimulus is None:
        spikes = random_stimulus(network.inputs, steps, rate, seed)
    elif isinstance(stimulus, str | Path):
        spikes = read_stimulus(Path(stimulus), network.inputs)
    elif isinstance(stimulus, Stimulus):
        spikes = stimulus
    else:
        spikes = _given(network, stimulus)
    if isinstance(design, str | Path):
        design = read_design(Path(design), quantised.contract)
    Options(bodies=tuple(bodies), spice_tolerance=tolerance, cocotb=tuple(cocotb))
    case = prepare(network, quantised, spikes)
    chosen = choose_neurons(case, neurons) if isinstance(neurons, int) else neurons
    options = Options(
        bodies=tuple(bodies),
        neurons=tuple(chosen),
        spice_tolerance=tolerance,
        design=design,
        cocotb=tuple(cocotb),
    )
    return run(case, options)


def _given(network: Network, arrays: Mapping[str, ArrayLike]) -> Stimulus:
    spikes = {name: np.asarray(a) for name, a in arrays.items()}
    ndim = 3 if any(a.ndim == 3 for a in spikes.values()) else 2
    lead = check_inputs(network.inputs, spikes, ndim)
    samples = lead[1] if ndim == 3 else 1
    shaped = {
        name: a.astype(np.uint8).reshape(lead[0], samples, network.inputs[name])
        for name, a in spikes.items()
    }
    return Stimulus(shaped, lead[0], "given arrays", samples)


def write_report(result: Verification, path: str | Path, *, title: str = "Network") -> None:
    """Write the self-contained HTML report of ``result``, whole or not at all."""
    from .report import Page, render  # draws with matplotlib, which is slow to start

    page = Page(
        title=title,
        lead="Does every body of this network spike as its reference does, and what do the "
        "time grid and the integers cost?",
        command="lifstone.verify(...), with what is listed above",
    )
    write_text(Path(path), render(result, page))

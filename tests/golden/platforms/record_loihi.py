"""Record traces of nengo-loihi's emulator: ``python record_loihi.py loihi.npz``.

Needs ``nengo-loihi`` and a NumPy older than 2, in an environment of their own. Each network has
an input, a population with a recurrent projection, and random integer parameters.
"""

from __future__ import annotations

import sys
import warnings
from types import SimpleNamespace

import numpy as np

NETWORKS, STEPS = 8, 150


def network(seed: int) -> dict[str, np.ndarray]:
    """Random parameters in the chip's own words."""
    rng = np.random.default_rng(seed)
    n, lines = int(rng.integers(2, 12)), int(rng.integers(2, 10))
    return {
        "decay_u": rng.integers(0, 4096, n),
        "decay_v": rng.integers(0, 4097, n),
        "v_th": rng.integers(1, 250, n) << 6,
        "bias": rng.integers(-400, 2000, n),
        "refract_delay": rng.integers(1, 5, n),
        "v_min": np.array(0 if seed % 2 else -(2**23) + 1),
        "weight_in": 2 * rng.integers(-127, 128, (n, lines)) << (4 + seed % 5),
        "weight_back": 2 * rng.integers(-60, 61, (n, n)) << 6,
        "spikes_in": (rng.random((STEPS, lines)) < 0.3).astype(np.int64),
    }


def emulate(p: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """States and spikes of every step as the emulator has them."""
    from nengo_loihi.block import Axon, LoihiBlock, Synapse
    from nengo_loihi.emulator.interface import EmulatorInterface
    from nengo_loihi.inputs import SpikeInput

    n, lines = p["weight_in"].shape
    block = LoihiBlock(n)
    c = block.compartment
    for name in ("decay_u", "decay_v", "bias"):
        setattr(c, name, p[name].astype(np.int32))
    c.vth, c.refract_delay = p["v_th"].astype(np.int32), p["refract_delay"].astype(np.int32)
    c.scale_u = c.scale_v = False
    c.vmin, c.vmax = int(p["v_min"]), 2**23 - 1
    source = SpikeInput(lines)
    for weight, owner in ((p["weight_in"], source), (p["weight_back"], block)):
        synapse = Synapse(weight.shape[1])
        synapse.weights = [row[None].astype(np.int32) for row in weight.T]
        synapse.indices = [np.arange(n, dtype=np.int32)[None] for _ in range(weight.shape[1])]
        block.add_synapse(synapse)
        axon = Axon(weight.shape[1])
        axon.target = synapse
        axon.set_compartment_axon_map(np.arange(weight.shape[1]))
        owner.add_axon(axon)
    for k, row in enumerate(p["spikes_in"]):
        source.add_spikes(k + 1, np.flatnonzero(row))
    model = SimpleNamespace(blocks=[block], inputs=[source], probes=[], dt=1e-3)
    emulator = EmulatorInterface(model, seed=0)
    out = {"u": [], "v": [], "spikes": []}
    for _ in range(STEPS):
        emulator.step()
        out["u"].append(emulator.compartment.current.copy())
        out["v"].append(emulator.compartment.voltage.copy())
        out["spikes"].append(emulator.compartment.spiked.copy())
    return {k: np.array(v).astype(np.int64) for k, v in out.items()}


def main() -> None:
    """Write all networks and their traces into one file."""
    warnings.simplefilter("ignore")
    found = {}
    for seed in range(NETWORKS):
        p = network(seed)
        for key, value in {**p, **emulate(p)}.items():
            found[f"{seed}_{key}"] = value.astype(np.int32)
    np.savez_compressed(sys.argv[1], **found)
    fired = sum(int(v.sum()) for k, v in found.items() if k.endswith("_spikes"))
    print(f"{NETWORKS} networks, {fired} spikes")


if __name__ == "__main__":
    main()

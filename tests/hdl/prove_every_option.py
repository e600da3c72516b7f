"""Prove the step for every combination of options, at widths as users have them."""

from __future__ import annotations

import sys
import time

import numpy as np

from lifstone.hdl.formal.smt import circuits
from lifstone.hdl.formal.step import prove_step, step_of_component
from lifstone.hdl.step import LifStep
from tests.hdl.contracts import options, random_contract

SECONDS = 120.0


def main() -> int:
    """Print what is not proved, and a summary; 1 if anything is not."""
    chosen = list(options())
    contracts = [random_contract(np.random.default_rng(k), 3, o) for k, o in enumerate(chosen)]
    made = circuits([step_of_component(LifStep(c)) for c in contracts])
    start, proved, by_sets, slowest = time.perf_counter(), 0, 0, 0.0
    for o, c, circuit in zip(chosen, contracts, made, strict=True):
        proof = prove_step(c, circuit, SECONDS)
        proved += proof.word == "unsat"
        by_sets += proof.word == "unsat" and proof.sets > 0
        slowest = max(slowest, proof.seconds)
        if proof.word != "unsat":
            print(", ".join(map(str, o)), proof.word, f"after {proof.seconds:.1f} s", flush=True)
            for line in proof.counterexample.lines() if proof.counterexample else ():
                print(f"  {line}")
    print(
        f"{proved} of {len(chosen)} combinations proved, {by_sets} of them set by set of "
        f"parameters, in {time.perf_counter() - start:.0f} s, the slowest in {slowest:.1f} s"
    )
    return 0 if proved == len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main())

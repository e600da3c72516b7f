"""The plastic core against its contract: every weight, trace and spike of every step."""

from __future__ import annotations

import numpy as np
import pytest

from lifstone.golden.unit import first_word_difference
from lifstone.sim.rtl.bulk import BulkRtl
from lifstone.sim.rtl.plastic import plastic_design, plastic_reference, plastic_run
from tests.hdl.plastic_contracts import KINDS, random_plastic, stimulus

SIZES = [(kind, 3, 5) for kind in KINDS] + [("inhibitory", 1, 1), ("pseudo_teacher", 1, 1)]


@pytest.mark.parametrize(("kind", "n", "lines"), SIZES)
def test_every_word_of_every_step(kind: str, n: int, lines: int) -> None:
    rng = np.random.default_rng([n, *kind.encode()])
    contract = random_plastic(rng, kind, n, lines)
    inputs = stimulus(rng, contract, 60, 8)
    rtl = BulkRtl(plastic_design(contract), optimise=False)
    expected = plastic_reference(contract, inputs)
    for timing in ({}, {"idle": 0.4, "backpressure": 0.4}, {"reset_at": 300}):
        got = plastic_run(rtl, inputs, **timing)
        for name, trace in expected.items():
            assert first_word_difference(name, trace, got[name]) is None, timing

"""Populations and projections become a network."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from lifstone.golden import Connection, InvalidValue, Lif, Network, run_float
from lifstone.script import AllToAll, FixedProbability, OneToOne, Population, Projection, Source
from lifstone.script import build as network

CELL = {"tau_mem": 20e-3, "r": 40e6, "v_th": 15e-3, "t_ref": 2e-3}


def test_a_script_is_the_network_written_out() -> None:
    drive, exc, inh = (
        Source(3, "drive"),
        Population(4, CELL, "exc", bias=1e-10),
        Population(4, CELL, "inh"),
    )
    made = network(
        1e-3,
        [
            Projection(drive, exc, AllToAll(), weight=2e-9),
            Projection(exc, inh, OneToOne(), weight=np.arange(16.0).reshape(4, 4) * 1e-9),
            Projection(inh, exc, OneToOne(), weight=-1e-9, delay=2e-3),
        ],
        outputs=[exc],
    )
    lif = Lif(**CELL, n=4)
    plain = Network(
        1e-3,
        {"drive": 3},
        {"exc": lif, "inh": lif},
        (
            Connection("drive", "exc", np.full((4, 3), 2e-9)),
            Connection("exc", "inh", np.diag([0.0, 5e-9, 10e-9, 15e-9])),
            Connection("inh", "exc", np.diag([-1e-9] * 4), 2),
        ),
        ("exc",),
        {"exc": np.full(4, 1e-10)},
    )
    assert list(made.populations) == list(plain.populations)
    assert [c.delay for c in made.connections] == [0, 0, 2]
    spikes = {"drive": (np.random.default_rng(0).random((300, 3)) < 0.3).astype(np.uint8)}
    a, b = run_float(made, spikes), run_float(plain, spikes)
    assert a["exc"].spikes.any()
    assert a["inh"].spikes.any()
    assert all(np.array_equal(a[k].v, b[k].v) for k in b)


def test_random_pairs_come_from_the_seed() -> None:
    pre, post = Source(100, "in"), Population(100, CELL, "p")

    def weight(seed: int, probability: float = 0.3) -> np.ndarray:
        connector = FixedProbability(probability, seed)
        return Projection(pre, post, connector, 1e-9).connection(1e-3).weight

    assert np.array_equal(weight(1), weight(1))
    assert not np.array_equal(weight(1), weight(2))
    # Five standard deviations of 10,000 pairs.
    assert abs((weight(1) != 0).mean() - 0.3) < 5 * np.sqrt(0.3 * 0.7 / 1e4)
    assert not weight(1, 0.0).any()
    assert weight(1, 1.0).all()


P, Q, S = Population(2, CELL, "p"), Population(3, CELL, "q"), Source(2, "s")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Population(0, CELL, "p"), r"p\.n = 0"),
        (lambda: Population(2, {"tau_mem": -1.0}, "p"), r"p\.tau_mem\[0\] = -1\.0"),
        (lambda: Population(2, {"tau": 1.0}, "p"), r"p\.tau = 1\.0: allowed is one of"),
        (lambda: Population(2, {"v_th": 1.0}, "p"), r"p\.tau_mem = None"),
        (lambda: Source(0, "s"), r"s\.n = 0"),
        (lambda: Projection(P, Q, OneToOne(), 1.0).connection(1e-3), r"p->q\.one_to_one"),
        (
            lambda: Projection(P, Q, FixedProbability(1.5, 0), 1.0).connection(1e-3),
            r"p->q\.probability = 1\.5: allowed is 0 to 1",
        ),
        (
            lambda: Projection(P, Q, FixedProbability(0.5, -1), 1.0).connection(1e-3),
            r"p->q\.seed = -1",
        ),
        (
            lambda: Projection(P, Q, AllToAll(), 1.0, 1.5e-3).connection(1e-3),
            r"p->q\.delay = 0\.0015: allowed is 0 or more whole steps of 0\.001 s",
        ),
        (lambda: Projection(P, Q, AllToAll(), 1.0, np.nan).connection(1e-3), r"p->q\.delay"),
        (lambda: Projection(P, Q, AllToAll(), [1.0, 2.0]).connection(1e-3), r"p->q\.weight"),
        (lambda: Projection(P, Q, AllToAll(), "much").connection(1e-3), r"p->q\.weight = 'much'"),
        (lambda: network(0.0, [], [P]), r"dt = 0\.0"),
        (lambda: network(1e-3, [], [P, Population(2, CELL, "p")]), r"name = 'p'"),
        (lambda: network(1e-3, [], [Population(2, CELL, "p", [1.0] * 3)]), r"p\.bias = \[3\]"),
        (lambda: network(1e-3, [Projection(P, Q, AllToAll(), np.nan)], [Q]), r"p->q\.weight\[0"),
    ],
)
def test_errors_name_the_field(make: Callable[[], object], message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        make()

"""The balanced network and the relay: observables against theory, on every body."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import lifstone
from lifstone.golden import InvalidValue, Network
from lifstone.golden.balanced import CV_BAND, RATE_TOLERANCE, Balanced, firing
from lifstone.golden.pallidum import Pattern
from lifstone.golden.relay_circuit import RelayCircuit, reliability
from lifstone.sim.nir_read import read_nir
from lifstone.sim.nir_write import write_nir
from lifstone.sim.simulate import Simulator
from tests.sim.test_nir_round_trip import assert_equal


def spikes_of(network: Network, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
    """Spikes of all output populations, ``(steps, n)``."""
    run = Simulator(network).run({k: a[:, None] for k, a in inputs.items()}, record=("spikes",))
    return np.concatenate([run[name].spikes[:, 0] for name in network.outputs], axis=1)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_balanced_rate_is_the_mean_field_and_firing_irregular(seed: int) -> None:
    b = Balanced(seed=seed)
    found = firing(spikes_of(b.network(), b.stimulus(4000, seed))[400:], b.dt)
    assert abs(found.rate / b.mean_field().rate - 1) < RATE_TOLERANCE
    assert CV_BAND[0] < found.cv < CV_BAND[1]
    assert abs(found.cv - b.mean_field().cv) < 0.15


@pytest.mark.parametrize("changes", [{"inhibition": 8.0}, {"drive": 1.2}, {"drive": 2.0}])
def test_many_neurons_come_nearer_to_the_mean_field(changes: dict[str, float]) -> None:
    """Where the theory moves the rate, the network's moves with it."""
    few = replace(Balanced(), **changes)
    b = replace(few, excitatory=800, inhibitory=200, lines=800)
    expected = b.mean_field().rate
    assert expected == few.mean_field().rate
    assert abs(expected / Balanced().mean_field().rate - 1) > 0.15
    found = firing(spikes_of(b.network(), b.stimulus(2000))[400:], b.dt)
    assert abs(found.rate / expected - 1) < 0.1


def test_a_regular_train_is_told_from_an_irregular_one() -> None:
    regular = np.zeros((1000, 1), dtype=bool)
    regular[::20] = True
    found = firing(regular, 1e-3)
    assert (found.rate, found.cv) == (pytest.approx(50.0), 0.0)
    poisson = np.random.default_rng(0).random((20_000, 20)) < 0.02
    assert abs(firing(poisson, 1e-3).cv - 1) < 0.03
    assert np.isnan(firing(np.zeros((10, 2), dtype=bool), 1e-3).cv)


def test_every_neuron_has_its_number_of_sources() -> None:
    b = Balanced()
    for c in b.network().connections:
        counts = {"drive": b.from_drive, "exc": b.from_exc, "inh": b.from_inh}
        assert np.all((c.weight != 0).sum(axis=1) == counts[c.pre])
        assert c.pre != c.post or not np.diag(c.weight).any()


def test_relay_reliability_falls_with_the_pallidal_rate() -> None:
    c = RelayCircuit()
    network, pulses = c.network(), c.pulses(2.0)
    found = []
    for rate in (0.0, 30.0, 45.0, 60.0, 75.0, 90.0, 120.0):
        spikes = spikes_of(network, c.stimulus(rate, 2.0, seed=3))
        found.append(reliability(spikes, pulses, c.dt))
    assert found[0] == 1.0
    assert found[1] > 0.9
    assert found[-1] < 0.1
    assert np.all(np.diff(found) <= 0)
    assert np.all(np.diff(found[1:-1]) < 0)


@pytest.mark.parametrize("critical", [40.0, 60.0, 90.0])
def test_regular_inhibition_fails_the_relay_at_the_critical_rate(critical: float) -> None:
    c = RelayCircuit(critical=critical)
    network, pulses = c.network(), c.pulses(1.5)

    def at(share: float) -> float:
        stimulus = c.stimulus(share * critical, 1.5, 1, Pattern.REGULAR)
        return reliability(spikes_of(network, stimulus), pulses, c.dt)

    assert at(0.85) > 0.8
    assert at(1.15) < 0.2


def _check_bodies(network: Network, inputs: Mapping[str, np.ndarray], folder: Path) -> None:
    """Network layer, RTL and SPICE from the object; the file holds the same object."""
    steps = len(next(iter(inputs.values())))
    bodies = ("network", "rtl", "spice")
    result = lifstone.verify(network, inputs, bodies=bodies, neurons=1)
    said = {(r.verdict.body, r.verdict.reference): r.verdict for r in result.rows}
    assert result.conforms, [str(v) for v in said.values()]
    assert str(said["network", "contract"]) == "exact"
    assert str(said["rtl", "contract"]) == "exact"
    assert said["rtl", "contract"].compared >= 3 * steps
    assert str(said["spice", "event-driven"]) == f"within {network.dt:g} s"
    assert said["spice", "event-driven"].compared > 0
    write_nir(network, folder / "c.nir")
    assert_equal(network, read_nir(folder / "c.nir").network)


def test_balanced_on_every_body(tmp_path: Path) -> None:
    b = Balanced(excitatory=20, inhibitory=6, lines=20, from_exc=10, from_inh=4, from_drive=10)
    b = replace(b, jump=4e-3)
    _check_bodies(b.network(), b.stimulus(160), tmp_path)


def test_relay_on_every_body(tmp_path: Path) -> None:
    c = RelayCircuit(neurons=2)
    _check_bodies(c.network(), c.stimulus(30.0, 0.15, 1), tmp_path)


def test_integers_keep_the_observables() -> None:
    """Spikes of a chaotic network move with the last bit; rate and irregularity do not."""
    b = Balanced(seed=1)
    inputs = {k: a[:, None] for k, a in b.stimulus(2000, 1).items()}
    contract = lifstone.contract_of(b.network()).contract
    run = Simulator(contract).run(inputs, record=("spikes",))
    spikes = np.concatenate([run[name].spikes[400:, 0] for name in ("exc", "inh")], axis=1)
    found = firing(spikes, b.dt)
    assert abs(found.rate / b.mean_field().rate - 1) < RATE_TOLERANCE
    assert CV_BAND[0] < found.cv < CV_BAND[1]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Balanced(from_exc=160), "from_exc = 160: allowed is 1 to 159"),
        (lambda: Balanced(delay=0.7e-3), "delay = 0.0007: allowed is one or more whole steps"),
        (lambda: Balanced(drive=1e3), "drive = 1000"),
        (lambda: Balanced(inhibition=0.0), "inhibition = 0.0: allowed is above 0"),
        (lambda: Balanced(inhibition=1.0).mean_field(), "inhibition = 1.0: allowed is enough"),
        (lambda: RelayCircuit(pulse=10e-3), "pulse = 0.01: allowed is above the threshold"),
        (lambda: RelayCircuit(neurons=0), "neurons = 0"),
        (lambda: RelayCircuit(period=10e-3), "period = 0.01"),
        (lambda: RelayCircuit().stimulus(30.0, 0.05), "duration = 0.05"),
    ],
)
def test_wrong_values_are_named(make: object, message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        make()  # type: ignore[operator]

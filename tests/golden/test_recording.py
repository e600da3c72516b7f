"""Parameters from a recording: recovered, and with errors that are those of the statistics."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lifstone.golden import InvalidValue, Lif, Reset, discretise
from lifstone.golden.discrete import initial_state, step
from lifstone.golden.recording import fit_recording

DT = 1e-4
TRUE = {"tau_mem": 8e-3, "r": 5.0, "v_leak": -0.2, "v_th": 0.9, "v_reset": -0.4}


def record(samples: int, noise: float, steps: int = 3000, **changes: Any) -> tuple[Any, Any, Any]:
    """Potential, input current and spikes ``(steps, samples)``.

    Intrinsic noise of ``noise`` volts a step comes as an unseen part of the current.
    """
    lif = Lif(**{**TRUE, **changes})
    c, state = discretise(lif, DT), initial_state(lif, (samples,))
    rng = np.random.default_rng(0)
    x = 0.24 + 0.05 * np.repeat(rng.normal(size=(steps // 20, samples)), 20, axis=0)
    hidden = noise / c.g_x[0] * rng.normal(size=x.shape)
    v, spikes = np.empty(x.shape), np.empty(x.shape, bool)
    for k in range(steps):
        state, fired = step(lif, c, state, (x + hidden)[k, :, None])
        v[k], spikes[k] = state.v[:, 0], fired[:, 0]
    return v, x, spikes


@pytest.mark.parametrize("t_ref", [0.0, 1.3e-3])
@pytest.mark.parametrize("reset", list(Reset))
def test_a_clean_recording_gives_everything_back(t_ref: float, reset: Reset) -> None:
    v, x, spikes = record(1, 0.0, t_ref=t_ref, reset=reset)
    fit = fit_recording(v[:, 0], DT, x[:, 0], spikes[:, 0])
    for name in ("tau_mem", "r", "v_leak"):
        assert getattr(fit, name).value == pytest.approx(TRUE[name], rel=1e-9), name
        assert getattr(fit, name).error < 1e-9
    # The threshold lies between two sampled potentials.
    assert fit.v_th.value == pytest.approx(0.9, abs=1e-2)
    assert abs(fit.v_th.value - 0.9) <= 3.0**0.5 * fit.v_th.error + 1e-12
    if reset is Reset.SET:
        assert fit.v_reset.value == pytest.approx(-0.4, rel=1e-12)
        assert fit.v_reset.error < 1e-12
    assert (fit.spikes, fit.samples) == (int(spikes.sum()), 3000)
    assert fit.spikes > 5
    assert fit.residual < 1e-12


@pytest.mark.parametrize("t_ref", [0.0, 1.3e-3])
def test_standard_errors_are_those_of_many_recordings(t_ref: float) -> None:
    n, noise = 300, 1e-3
    v, x, spikes = record(n, noise, t_ref=t_ref)
    fits = [fit_recording(v[:, k], DT, x[:, k], spikes[:, k]) for k in range(n)]
    for name in ("tau_mem", "r", "v_leak"):
        z = np.array([(getattr(f, name).value - TRUE[name]) / getattr(f, name).error for f in fits])
        # Mean 0 and deviation 1, each within four of its own standard errors; the bias of a
        # regression on the sample before is of the order of one over its length.
        assert abs(z.mean()) < 4 / n**0.5 + 0.1, name
        assert abs(z.std() - 1) < 4 / (2 * n) ** 0.5, name
    assert np.mean([f.residual for f in fits]) == pytest.approx(noise, rel=0.02)
    covered = np.mean([abs(f.v_th.value - 0.9) < 2 * f.v_th.error for f in fits])
    assert covered > 0.9
    assert np.all([f.v_th.error < 3 * noise for f in fits])


def test_halving_the_noise_halves_the_errors() -> None:
    one, half = (fit_recording(*_columns(noise)) for noise in (1e-3, 0.5e-3))
    assert half.tau_mem.error / one.tau_mem.error == pytest.approx(0.5, rel=0.1)


def _columns(noise: float) -> tuple[Any, float, Any, Any]:
    v, x, spikes = record(1, noise, v_th=9.0)
    return v[:, 0], DT, x[:, 0], spikes[:, 0]


def test_without_input_or_spikes_only_the_decay_is_known() -> None:
    t = DT * np.arange(1, 400)
    fit = fit_recording(0.3 + 0.5 * np.exp(-t / 8e-3), DT)
    assert fit.tau_mem.value == pytest.approx(8e-3, rel=1e-9)
    assert fit.v_leak.value == pytest.approx(0.3, rel=1e-9)
    for unknown in (fit.r, fit.v_th, fit.v_reset):
        assert np.isnan([unknown.value, unknown.error]).all()
    # A constant current shifts the rest: neither can be told.
    fit = fit_recording(0.3 + 0.5 * np.exp(-t / 8e-3), DT, np.full(t.size, 0.7))
    assert np.isnan([fit.r.value, fit.v_leak.value]).all()
    assert fit.tau_mem.value == pytest.approx(8e-3, rel=1e-9)


def test_one_spike_has_a_reset_without_error() -> None:
    t = DT * np.arange(1, 400)
    v = np.r_[1 - np.exp(-t / 8e-3), 1 - 1.2 * np.exp(-t / 8e-3)]
    spikes = np.zeros(v.size)
    spikes[t.size] = 1
    fit = fit_recording(v, DT, spikes=spikes)
    assert fit.tau_mem.value == pytest.approx(8e-3, rel=1e-9)
    assert fit.v_reset.value == v[t.size]
    assert np.isnan(fit.v_reset.error)
    assert fit_recording(v, DT, spikes=np.r_[1.0, np.zeros(v.size - 1)]).spikes == 1


def _wave(n: int = 50) -> Any:
    return np.exp(-np.arange(n) / 20.0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fit_recording(_wave(), 0.0), "dt = 0.0: allowed is a finite number"),
        (lambda: fit_recording(_wave(), np.nan), "dt = nan"),
        (lambda: fit_recording(_wave(7), DT), "v = '7 samples': allowed is at least 8"),
        (lambda: fit_recording(np.ones(20), DT), "v = 'a constant': allowed is a recording that"),
        (lambda: fit_recording(np.ones((9, 2)), DT), r"v = \[9, 2\]: allowed is one dimension"),
        (lambda: fit_recording(np.r_[_wave(), np.nan], DT), r"v\[50\] = nan"),
        (lambda: fit_recording(_wave(), DT, np.ones(3)), r"x = \[3\]: allowed is 50 values"),
        (lambda: fit_recording(_wave(), DT, spikes=np.ones(3)), r"spikes = \[3\]"),
        (lambda: fit_recording(_wave(), DT, np.full(50, np.inf)), r"x\[0\] = inf"),
        (lambda: fit_recording(_wave(9), DT, spikes=np.ones(9)), "v = '0 quiet steps'"),
        (lambda: fit_recording(np.exp(np.arange(20.0)), DT), "a potential that decays"),
        (lambda: fit_recording((-1.0) ** np.arange(20), DT), "a factor of -1 a step"),
    ],
)
def test_wrong_recordings(call: Any, message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        call()


def test_a_recording_that_determines_nothing() -> None:
    v = np.r_[np.zeros(10), 1.0]
    with pytest.raises(InvalidValue, match="a recording that determines tau"):
        fit_recording(v, DT, spikes=np.r_[np.zeros(10), 1.0])

"""Parameters and noise of a neuron from its recording.

>>> found = fit(Recording.of(v, dt=1e-3, x=current, spikes=marks, t_ref=2e-3))
>>> found["v_th"].value, found["v_th"].error, found.interval("v_th")

``FitMethod.LIKELIHOOD`` maximises the exact likelihood of the sampled model;
``FitMethod.BASELINE`` is a regression with spike-triggered averages. The model: :mod:`.noisy`.
"""

from .diagnosis import Diagnosis, diagnose
from .fit import Estimate, Fit, FitMethod, fit
from .noisy import NAMES, Noisy
from .recording import Recording
from .simulate import Experiment, default_experiment, simulate
from .study import Study, study

__all__ = [
    "NAMES",
    "Diagnosis",
    "Estimate",
    "Experiment",
    "Fit",
    "FitMethod",
    "Noisy",
    "Recording",
    "Study",
    "default_experiment",
    "diagnose",
    "fit",
    "simulate",
    "study",
]

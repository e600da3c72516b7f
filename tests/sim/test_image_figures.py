"""A classifier over test images on every body, and the page of results."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lifstone.golden import Network, NetworkContract, quantise, run_contract
from lifstone.sim import image_figures, results_page, train_mnist
from lifstone.sim.dataset import DIGITS, Dataset, load_dataset, threshold_spikes
from lifstone.sim.digits import decode
from lifstone.sim.image_figures import Figures, measure
from lifstone.sim.nir_read import read_nir
from lifstone.sim.simulate import Simulator
from lifstone.sim.training import Settings, begin, network, rounded
from tests.sim.test_training import image_set

SETTINGS = Settings(hidden=(6,), neuron="perfect", seed=3)


def few(count: int) -> Dataset:
    data = load_dataset(DIGITS, 8, (4, 10))
    return replace(data, test_images=data.test_images[:count], test_labels=data.test_labels[:count])


def case(count: int) -> tuple[Network, NetworkContract, Dataset]:
    data = few(count)
    net = network(rounded(begin(SETTINGS, data).layers, SETTINGS), SETTINGS)
    return net, quantise(net).contract, data


def test_figures_are_those_of_the_contract_run_by_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_figures, "CHUNK", 5)
    net, contract, data = case(12)
    done: list[int] = []
    got = measure(net, contract, data, {"hidden": 2}, optimise=False, report=done.append)
    spikes = data.spikes(data.test_images)
    runs = [run_contract(contract, {"pixels": spikes[:, k]}) for k in range(12)]
    answers = [int(decode(r["digit"].spikes[:, None])[0]) for r in runs]
    right = sum(a == b for a, b in zip(answers, data.test_labels, strict=True))
    fired = {n: sum(int(r[n].spikes.sum()) for r in runs) for n in ("hidden", "digit")}
    dense = {c.pre: np.count_nonzero(c.weight, axis=0) for c in contract.connections}
    operations = int((spikes.sum(axis=(0, 1)) * dense["pixels"]).sum())
    operations += sum(int((r["hidden"].spikes.sum(axis=0) * dense["hidden"]).sum()) for r in runs)
    assert done == [5, 10, 12]
    assert got.clocks >= got.worst_clocks > got.clocks / 12 > 8
    assert replace(got, clocks=0, worst_clocks=0) == Figures(
        12, 8, right, right, right, 0, 12 * 8 * (16 * 3), 0,
        int(spikes.sum()), fired["hidden"], fired["digit"], operations,
    )  # fmt: skip
    assert fired["hidden"] > 0


def test_rtl_that_computes_something_else_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    net, contract, data = case(3)
    hidden = contract.populations["hidden"]
    assert hidden.threshold is not None
    other = replace(hidden, threshold=hidden.threshold + 9)
    wrong = replace(contract, populations={**contract.populations, "hidden": other})
    real = image_figures.generate
    monkeypatch.setattr(image_figures, "generate", lambda _, **options: real(wrong, **options))
    got = measure(net, contract, data, optimise=False)
    assert got.unequal > 0
    assert got.moved == 0


def small_recipe(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The recipe on a handful of images; the bodies are measured elsewhere."""
    seen: list[Any] = []

    def fake(net: Network, contract: Any, data: Dataset, lanes: Any) -> Figures:
        seen.append((net, contract, lanes))
        return Figures(len(data.test_labels), data.steps, 3, 3, 3 + len(seen), 0, 96, 0, 60, 30, 12,
                       900, 1200, 250)  # fmt: skip

    monkeypatch.setattr(train_mnist, "measure", fake)
    small = replace(train_mnist.RECIPE, hidden=(3,), batch=4, augment=0.0)
    monkeypatch.setattr(train_mnist, "RECIPE", small)
    return seen


def test_the_recipe_trains_each_seed_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = small_recipe(monkeypatch)
    image_set(tmp_path)
    out, figures = tmp_path / "out", tmp_path / "results" / "mnist.json"
    call = ["--data", str(tmp_path), "--out", str(out), "--figures", str(figures)]
    figures.parent.mkdir()
    train_mnist.main([*call, "--seeds", "4,5", "--epochs", "2"])
    assert capsys.readouterr().out.count("test accuracy") == 4
    names = ["mnist-seed4.nir", "mnist-seed5.nir", "seed4.npz", "seed5.npz"]
    assert sorted(p.name for p in out.iterdir()) == names
    train_mnist.main([*call, "--seeds", "4", "--epochs", "2"])
    assert "test accuracy" not in capsys.readouterr().out
    again, first = seen[2][0], seen[0][0]
    for a, b in zip(first.connections, again.connections, strict=True):
        np.testing.assert_array_equal(a.weight, b.weight)
    train_mnist.main([*call, "--networks", str(out / "mnist-seed5.nir")])
    found = json.loads(figures.read_text())
    assert [r["network"] for r in found["rows"]] == ["mnist-seed5.nir"]
    assert seen[-1][1].populations["hidden"].fraction == 6
    page = tmp_path / "results.md"
    results_page.main([str(figures.parent), str(page)])
    assert "| mnist-seed5.nir | 50.00% | 50.00% | 116.67% | 10 | 5 | 150 | 200, 250 |" in (
        page.read_text()
    )


def test_the_page_shows_seeds_their_mean_and_what_differs() -> None:
    row = asdict(Figures(200, 16, 196, 196, 196, 0, 5000, 0, 4000, 3000, 100, 90000, 60000, 400))
    other = {**row, "right_rtl": 192, "unequal": 7, "hidden_spikes": 5000}
    text = results_page.page([{"title": "Set", "rows": [{"seed": 1, **row}, {"seed": 2, **other}]}])
    lines = text.splitlines()
    assert "## Set" in lines
    assert "| 1 | 98.00% | 98.00% | 98.00% | 20 | 15 | 450 | 300, 400 |" in lines
    assert "| 2 | 98.00% | 98.00% | 96.00% | 20 | 25 | 450 | 300, 400 |" in lines
    mean = next(line for line in lines if line.startswith("| mean"))
    assert "| 97.00% ± 1.41% | 20 ± 0 | 20 ± 7 |" in mean
    assert "Of 10,000 states and spikes of the RTL 7 differ" in text


def test_the_shipped_page_is_that_of_its_figures() -> None:
    docs = Path(__file__).parents[2] / "docs"
    files = sorted((docs / "results").glob("*.json"))
    assert files
    found = [json.loads(path.read_text(encoding="utf-8")) for path in files]
    assert (docs / "results.md").read_text(encoding="utf-8") == results_page.page(found)


def test_the_shipped_network_is_exact_and_as_wide_as_the_page_says() -> None:
    net = read_nir(Path(__file__).parents[2] / "lifstone" / "data" / "mnist.nir").network
    assert [net.size(n) for n in ("pixels", "hidden", "digit")] == [784, 128, 10]
    contract = quantise(net).contract
    assert all(np.abs(c.weight).max() <= 127 for c in contract.connections)
    images = np.random.default_rng(0).integers(0, 256, (6, 784))
    images[:, ::2] = 0
    bright = threshold_spikes(images, train_mnist.STEPS, train_mnist.THRESHOLDS)
    floats, integers = (Simulator(n).run({"pixels": bright}) for n in (net, contract))
    assert integers["hidden"].spikes.sum() > 50
    for name, trace in integers.items():
        np.testing.assert_array_equal(floats[name].spikes, trace.spikes)
        np.testing.assert_array_equal(floats[name].v * 64, trace.v)

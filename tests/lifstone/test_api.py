"""The names that ``import lifstone`` offers, and the call that gives every verdict."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import lifstone
from lifstone.golden import Connection, InvalidValue, Lif, Network
from tests.lifstone.conftest import Lifstone


def test_every_name_is_there_and_documented() -> None:
    assert list(lifstone._HOMES) == lifstone.__all__ == sorted(lifstone.__all__)
    lines = (lifstone.__doc__ or "").splitlines()
    _, first, last = (k for k, line in enumerate(lines) if line.startswith("===="))
    listed = [line.split()[0] for line in lines[first + 1 : last]]
    assert sorted(listed) == lifstone.__all__, "the list in the docstring is another one"
    for name in lifstone.__all__:
        assert callable(getattr(lifstone, name)), name
    assert set(lifstone.__all__) <= set(dir(lifstone))
    assert lifstone.Lif is Lif


def test_a_wrong_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'lifstone' has no attribute 'verfy'"):
        lifstone.verfy  # noqa: B018


def test_names_survive_the_modules_behind_them() -> None:
    code = (
        "import sys, lifstone\n"
        "assert not {'numpy', 'amaranth', 'matplotlib'} & set(sys.modules)\n"
        "from lifstone import verify, build, generate\n"
        "import lifstone.api, lifstone.verdicts, lifstone.hdl.build, lifstone.hdl.generate\n"
        "import lifstone.cli_verify, lifstone.cli_design, lifstone.report\n"
        "for name in lifstone.__all__:\n"
        "    assert callable(getattr(lifstone, name)), name\n"
        "assert lifstone.verify is verify and lifstone.build is build\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.fixture
def model() -> Network:
    return Network(
        1e-3,
        {"x": 3},
        {"p": Lif(tau_mem=10e-3, t_ref=2e-3, n=2)},
        (Connection("x", "p", [[4.0, 5.0, 6.0], [7.0, 2.0, 1.0]]),),
        ("p",),
    )


def test_verify_a_network(model: Network) -> None:
    result = lifstone.verify(model, bodies=("network", "spice"), neurons=[("p", 1)], steps=50)
    assert result.conforms
    assert [r.verdict.body for r in result.rows] == ["network", "network", "spice"]
    assert result.rows[0].verdict.compared == 50 * 2 * 3
    assert result.options.neurons == (("p", 1),)


def test_verify_with_arrays(model: Network) -> None:
    spikes = np.random.default_rng(0).random((20, 3, 3)) < 0.5
    batch = lifstone.verify(model, {"x": spikes}, bodies=("network",))
    assert (batch.case.stimulus.samples, batch.case.stimulus.steps) == (3, 20)
    one = lifstone.verify(model, {"x": spikes[:, 0].tolist()}, bodies=("network",))
    np.testing.assert_array_equal(one.case.integers["p"].v[:, 0], batch.case.integers["p"].v[:, 0])
    with pytest.raises(InvalidValue, match=r"inputs\.x\[0, 0\] = 2: allowed is 0 or 1"):
        lifstone.verify(model, {"x": np.full((4, 3), 2)})
    with pytest.raises(InvalidValue, match=r"inputs = 'y': allowed is one of x"):
        lifstone.verify(model, {"y": spikes})


def test_a_network_without_input_agrees_on_every_body(tmp_path: Path) -> None:
    alone = Network(
        1e-3,
        {},
        {"p": Lif(tau_mem=10e-3, t_ref=2e-3, n=2)},
        (Connection("p", "p", [[0.0, -3.0], [-3.0, 0.0]], 1),),
        ("p",),
        {"p": np.array([1.5, 2.0])},
    )
    result = lifstone.verify(alone, neurons=[("p", 1)], steps=60)
    assert [str(r.verdict.status) for r in result.rows[2:]] == [
        "within",
        "exact",
        "exact",
        "within",
    ]
    assert result.rows[4].verdict.compared == 60 * 2 * 3
    assert result.case.integers["p"].spikes.sum() > 3
    lifstone.write_report(result, tmp_path / "r.html")
    assert "none: the network has no input" in (tmp_path / "r.html").read_text(encoding="utf-8")


def test_verify_files_as_the_command_does(lifstone: Lifstone, chain: Path, tmp_path: Path) -> None:
    import lifstone as package

    spikes = (np.random.default_rng(0).random((30, 4)) < 0.4).astype(np.uint8)
    np.savez(tmp_path / "s.npz", **{"in": spikes})
    assert lifstone("generate", chain, "--out", tmp_path / "rtl", "--trace").code == 0
    chosen = ("--stimulus", tmp_path / "s.npz", "--design", tmp_path / "rtl", "--json")
    said = lifstone("verify", chain, "--bodies", "golden,rtl", *chosen)
    result = package.verify(
        str(chain), tmp_path / "s.npz", bodies=("golden", "rtl"), design=str(tmp_path / "rtl")
    )
    ours = [{**r.to_dict(), "seconds": 0.0} for r in result.rows]
    theirs = [{**r, "seconds": 0.0} for r in said.json()["rows"]]
    assert ours == theirs
    assert ours[-1]["status"] == "exact"


def test_a_wrong_body_is_refused_before_any_run(
    model: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(*_: object) -> None:
        raise AssertionError("a run was made")

    monkeypatch.setattr("lifstone.api.prepare", run)
    with pytest.raises(InvalidValue, match="bodies = 'silicon'"):
        lifstone.verify(model, bodies=("silicon",))


def test_the_report_is_written_whole(model: Network, tmp_path: Path) -> None:
    result = lifstone.verify(model, bodies=("network",), steps=10)
    lifstone.write_report(result, tmp_path / "new" / "r.html", title="Mine")
    assert "<h1>Mine</h1>" in (tmp_path / "new" / "r.html").read_text(encoding="utf-8")
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["r.html"]

"""``lifstone circuit`` writes a file that the other commands take."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.lifstone.conftest import Lifstone


@pytest.mark.parametrize(
    ("name", "more"), [("balanced", ("--neurons", 200)), ("relay", ("--neurons", 2))]
)
def test_file_and_stimulus_are_verified(
    lifstone: Lifstone, tmp_path: Path, name: str, more: tuple[object, ...]
) -> None:
    net, spikes = tmp_path / "net.nir", tmp_path / "in.npz"
    said = lifstone("circuit", name, "--out", net, "--stimulus", spikes, "--json", *more)
    assert (said.code, said.err) == (0, "")
    data = json.loads(said.out)
    assert all(row["good"] and row["expected"] is not None for row in data["rows"])
    run = lifstone("verify", net, "--stimulus", spikes, "--bodies", "network")
    assert (run.code, run.err) == (0, "")


def test_no_claim_between_and_a_failed_band(lifstone: Lifstone, tmp_path: Path) -> None:
    net = tmp_path / "net.nir"
    said = lifstone("circuit", "relay", "--out", net, "--rate", 60)
    assert "theory makes no claim" in said.out
    # Neurons that share most of their sources leave the mean field.
    said = lifstone("circuit", "balanced", "--out", net, "--neurons", 55, "--seconds", 3)
    assert said.code == 1


def test_bad_values_write_nothing(lifstone: Lifstone, tmp_path: Path) -> None:
    for words, text in (
        (("balanced", "--neurons", 7), "neurons = 7"),
        (("balanced", "--seconds", 0.1), "seconds = 0.1"),
        (("relay", "--rate", -1), "rate = -1"),
        (("relay", "--seed", -1), "seed = -1"),
        (("relay", "--stimulus", tmp_path / "x.csv"), "allowed is a .npz name"),
    ):
        said = lifstone("circuit", *words, "--out", tmp_path / "n.nir")
        assert said.code == 2
        assert text in said.err
    assert list(tmp_path.iterdir()) == []

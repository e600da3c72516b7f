"""The message of an error: one line that names field, value and what is allowed."""

from __future__ import annotations

import pytest

from lifstone.golden import InvalidValue, MissingTool
from lifstone.golden.errors import require


def test_three_names_in_one_line() -> None:
    error = InvalidValue("lif.tau_mem[3]", -1.0, "greater than 0")
    assert str(error) == "lif.tau_mem[3] = -1.0: allowed is greater than 0"
    assert (error.field, error.value, error.allowed) == ("lif.tau_mem[3]", -1.0, "greater than 0")
    assert isinstance(error, ValueError)


def test_a_long_value_keeps_both_ends() -> None:
    path = "/first" + "/folder" * 40 + "/model.nir"
    message = str(InvalidValue("model", path, "a file"))
    assert message.startswith("model = '/first/folder")
    assert message.endswith("/folder/model.nir': allowed is a file")
    assert len(message) == len("model = : allowed is a file") + 80
    exact = "x" * 78
    assert f"= '{exact}':" in str(InvalidValue("a", exact, "b"))


def test_a_value_of_several_lines_stays_on_one() -> None:
    class Table:
        def __repr__(self) -> str:
            return "a\n  b\tc"

    assert str(InvalidValue("f", Table(), "t")) == "f = a b c: allowed is t"


def test_require() -> None:
    require(True, "a", 1, "2")
    with pytest.raises(InvalidValue, match=r"^a = 1: allowed is 2$"):
        require(False, "a", 1, "2")


def test_missing_tool_names_the_install_line() -> None:
    error = MissingTool("ngspice", "apt-get install ngspice")
    assert str(error) == "ngspice is not installed: apt-get install ngspice"
    assert (error.tool, error.install) == ("ngspice", "apt-get install ngspice")

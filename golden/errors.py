"""The error a user sees when a value cannot be accepted."""

from __future__ import annotations

import numpy as np

__all__ = ["InvalidValue", "MissingTool", "require"]


class InvalidValue(ValueError):
    """A value outside what its field allows.

    The message is one line that names the field, the value and what is allowed, so
    that the command line can print it as it is.

    Parameters
    ----------
    field
        Dotted name of the offending field, such as ``"lif1.tau_mem[3]"``.
    value
        The value that was given.
    allowed
        What would have been accepted, in words.
    """

    def __init__(self, field: str, value: object, allowed: str) -> None:
        self.field = field
        self.value = value
        self.allowed = allowed
        super().__init__(f"{field} = {_short(value)}: allowed is {allowed}")

    def __reduce__(self) -> tuple[type, tuple[str, object, str]]:
        # For another process: by default an exception is made again from its message alone.
        return type(self), (self.field, self.value, self.allowed)


def require(condition: bool | np.bool_, field: str, value: object, allowed: str) -> None:
    """Raise :class:`InvalidValue` unless ``condition`` holds."""
    if not condition:
        raise InvalidValue(field, value, allowed)


def _short(value: object) -> str:
    """Keep the message on one line whatever the user passed in, and both of its ends."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 80 else f"{text[:38]}...{text[-39:]}"


class MissingTool(RuntimeError):
    """An outside program or package that is not there.

    Parameters
    ----------
    tool
        Name of the program or package.
    install
        The command that installs it.
    """

    def __init__(self, tool: str, install: str) -> None:
        self.tool = tool
        self.install = install
        super().__init__(f"{tool} is not installed: {install}")

    def __reduce__(self) -> tuple[type, tuple[str, str]]:
        return type(self), (self.tool, self.install)

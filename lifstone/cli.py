"""The command line. Exit codes: 0 agrees, 1 deviates, 2 bad input, 3 missing tool."""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import NoReturn

import click

from . import __version__
from .text import one_line

__all__ = ["cli", "main"]

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
COMMANDS = {
    "build": "cli_design",
    "circuit": "cli_circuit",
    "compare": "cli_compare",
    "characterise": "cli_silicon",
    "check": "cli_check",
    "conformance": "cli_conformance",
    "datasheet": "cli_silicon",
    "convert": "cli_convert",
    "demo": "cli_verify",
    "device": "cli_device",
    "diff": "cli_diff",
    "doctor": "cli_doctor",
    "fit": "cli_fit",
    "generate": "cli_design",
    "map": "cli_map",
    "prove": "cli_prove",
    "netlist": "cli_analog",
    "report": "cli_verify",
    "run": "cli_systems",
    "sweep": "cli_analog",
    "systems": "cli_systems",
    "train": "cli_train",
    "verify": "cli_verify",
}
"""Module of each command; imported only when the command is asked for."""
OPTIONS = {
    "widths.state": "--state-bits",
    "widths.fraction": "--fraction-bits",
    "widths.syn": "--syn-bits",
    "widths.weight": "--weight-bits",
    "widths.decay": "--decay-bits",
}
STOPPED, TERMINATED, PIPE_CLOSED = 130, 143, 141


class _Commands(click.Group):
    """Commands by name, each from its module."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *COMMANDS})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        known = super().get_command(ctx, cmd_name)
        if known is not None or cmd_name not in COMMANDS:
            return known
        found = getattr(importlib.import_module(f".{COMMANDS[cmd_name]}", __package__), cmd_name)
        assert isinstance(found, click.Command)
        return found


@click.group(cls=_Commands, context_settings=CONTEXT)
@click.version_option(__version__, prog_name="lifstone")
def cli() -> None:
    """One LIF model, four bodies, one verdict.

    \b
    Examples:
      lifstone demo
      lifstone verify model.nir
      lifstone generate model.nir --out rtl
      lifstone build model.nir --board icebreaker --out bitstream

    \b
    Exit codes: 0 agrees, 1 deviates, 2 bad input, 3 missing tool.
    """


def main(arguments: list[str] | None = None) -> NoReturn:
    """Entry point: errors become one line and an exit code."""
    with _terminable():
        sys.exit(_guarded(arguments))


def _guarded(arguments: list[str] | None) -> int:
    try:
        code = cli.main(arguments, prog_name="lifstone", standalone_mode=False)
        sys.stdout.flush()
    except (click.exceptions.Abort, KeyboardInterrupt):
        _say("stopped")
        return STOPPED
    except click.ClickException as error:
        _say(f"error: {_usage(error)}")
        return 2
    except BrokenPipeError:
        # Whatever Python still holds for the closed pipe goes nowhere, and without a word.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    except Exception as error:
        failed = _failure(error)
        if failed is None:
            raise
        _say(failed[1])
        return failed[0]
    return code if isinstance(code, int) else 0


def _failure(error: Exception) -> tuple[int, str] | None:
    """Exit code and line for an error that is no defect of lifstone."""
    from .golden import InvalidValue, MissingTool

    if isinstance(error, InvalidValue):
        option = next((o for f, o in OPTIONS.items() if error.field.endswith(f)), "")
        return 2, f"error: {error}{option and f' ({option})'}"
    if isinstance(error, MissingTool):
        return 3, f"missing tool: {error}"
    if isinstance(error, ModuleNotFoundError) and not str(error.name).startswith("lifstone"):
        from .doctor import package_of

        package = package_of(str(error.name))
        return 3, f"missing tool: {MissingTool(package, f'pip install {package}')}"
    if isinstance(error, MemoryError):
        return (
            2,
            "error: memory = too little: allowed is a run with fewer steps, samples or neurons",
        )
    if isinstance(error, OSError):
        where = error.filename or "file"
        return 2, f"error: {where}: {error.strerror or error}"
    if isinstance(error, subprocess.SubprocessError):
        return 3, f"error: {error}"
    if type(error) is RuntimeError:
        # An outside tool was there and gave up; its last words are in the message.
        return 3, f"error: {error}"
    return None


def _usage(error: click.ClickException) -> str:
    text = error.format_message().rstrip(".")
    context = getattr(error, "ctx", None)
    return f"{text} (see {context.command_path} --help)" if context is not None else text


def _say(text: str) -> None:
    """One line on standard error."""
    click.echo(one_line(text), err=True)


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    """A request to terminate unwinds like an error, so that temporary files go."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(_number: int, _frame: FrameType | None) -> NoReturn:
        raise SystemExit(TERMINATED)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


if __name__ == "__main__":
    main()

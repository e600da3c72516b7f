"""What a sweep has done so far: a line a point, on disk before the next one counts.

The first line says which sweep it is. A process may be killed between any two instructions: a
line that was not finished is dropped when the journal is opened again, and its point is run
again; every finished line's point is not. The file is locked while a sweep writes to it.
"""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ...golden.errors import InvalidValue
from ..whole_file import whole_file

__all__ = ["Journal"]


class Journal:
    """An open journal.

    Parameters
    ----------
    path
        The file; it is made with ``header`` if it is not there.
    header
        What the sweep is: a journal with another header is refused.

    Raises
    ------
    InvalidValue
        If the file is of another sweep, or another process writes to it.
    """

    def __init__(self, path: Path, header: dict[str, Any]) -> None:
        self.path = path
        if not path.exists():
            with whole_file(path) as temporary:
                temporary.write_text(json.dumps(header, sort_keys=True) + "\n", encoding="utf-8")
        self._file = path.open("r+b")
        try:
            self._lock()
            self.done = self._read(header)
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self._file.close()

    def write(self, k: int, entry: dict[str, Any]) -> None:
        """Add the outcome of point ``k``; on disk when this returns."""
        line = json.dumps({"point": k, **entry}, sort_keys=True) + "\n"
        self._file.write(line.encode())
        self._file.flush()
        os.fsync(self._file.fileno())
        self.done[k] = entry

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise InvalidValue("journal", str(self.path), "one that no process writes to") from None

    def _read(self, header: dict[str, Any]) -> dict[int, dict[str, Any]]:
        text = self._file.read()
        whole = text.rfind(b"\n") + 1
        lines = text[:whole].splitlines()
        try:
            first, rows = json.loads(lines[0]), [json.loads(line) for line in lines[1:]]
            done = {int(row.pop("point")): row for row in rows}
        except (IndexError, ValueError, KeyError, TypeError, AttributeError):
            raise InvalidValue("journal", str(self.path), "a journal of this program") from None
        if first != json.loads(json.dumps(header)):
            raise InvalidValue("journal", str(self.path), "a journal of the same sweep, or none")
        self._file.seek(whole)
        self._file.truncate()
        return done

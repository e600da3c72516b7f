"""Outside programs end when the call that started them ends."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from lifstone.hdl.process import run_program


def test_status_and_words_of_both_streams(tmp_path: Path) -> None:
    code = "import os, sys; print(os.getcwd()); print('x', file=sys.stderr); sys.exit(3)"
    status, said = run_program([sys.executable, "-c", code], tmp_path)
    assert status == 3
    assert sorted(said.split()) == sorted([str(tmp_path.resolve()), "x"])


def test_environment_and_closed_input(tmp_path: Path) -> None:
    code = "import os, sys; print(os.environ['KEY'], repr(sys.stdin.read()))"
    status, said = run_program([sys.executable, "-c", code], tmp_path, env={"KEY": "value"})
    assert (status, said) == (0, "value ''\n")


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    code = "import sys; sys.stdout.buffer.write(b'a\\xff')"
    assert run_program([sys.executable, "-c", code], tmp_path) == (0, "a\ufffd")


def alive(pid: int) -> bool:
    """Whether a process runs; one that only waits to be collected does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="there is no /proc")
def test_a_time_limit_ends_helpers_too(tmp_path: Path) -> None:
    script = "sleep 300 & echo $! > helper; echo $$ > itself; wait"
    with pytest.raises(RuntimeError, match=r"^sh did not end within 0\.5 s$"):
        run_program(["sh", "-c", script], tmp_path, timeout=0.5)
    pids = [int((tmp_path / name).read_text()) for name in ("helper", "itself")]
    for _ in range(100):
        if not any(alive(pid) for pid in pids):
            return
        time.sleep(0.05)
    for pid in pids:
        os.kill(pid, 9)
    pytest.fail("a process outlived the call")

"""A guarded program leaves nothing behind: scripts/guard.py."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

GUARD = [sys.executable, str(Path(__file__).resolve().parents[2] / "scripts" / "guard.py")]
WAIT_S = 30
# Starts a process that leaves its session and its parent, says its number, and goes on as told.
LEAVES_A_DAEMON = "(setsid sleep 1000 & echo $! >daemon); "


def test_a_daemon_ends_with_the_program(tmp_path: Path) -> None:
    guard = subprocess.Popen([*GUARD, "sh", "-c", LEAVES_A_DAEMON + "exit 5"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=tmp_path)
    assert guard.wait(WAIT_S) == 5
    assert not running(tmp_path / "daemon")
    guard.communicate()


def test_a_daemon_ends_with_standard_input_and_the_folder_goes(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    command = [*GUARD, f"--remove={folder}", "sh", "-c", LEAVES_A_DAEMON + "echo started >&2; exec sleep 1000"]
    guard = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path)
    assert guard.stderr is not None
    assert guard.stderr.readline() == b"started\n"
    assert running(tmp_path / "daemon")
    said, _ = guard.communicate(timeout=WAIT_S)
    assert not running(tmp_path / "daemon")
    assert not Path(f"/proc/{int(said)}").exists()
    assert not folder.exists()


def test_a_program_is_asked_to_stop_first(tmp_path: Path) -> None:
    command = [*GUARD, "--stop=SIGTERM", "sh", "-c", "trap 'echo stopping >&2; exit' TERM; echo started >&2; while :; do sleep 0.1; done"]
    guard = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path)
    assert guard.stderr is not None
    assert guard.stderr.readline() == b"started\n"
    _, said = guard.communicate(timeout=WAIT_S)
    assert said == b"stopping\n"


def test_a_program_ends_with_a_guard_that_is_killed(tmp_path: Path) -> None:
    guard = subprocess.Popen([*GUARD, "sleep", "1000"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert guard.stdout is not None
    guard.stdout.readline()
    guard.kill()
    # The program holds the other end of standard error: this is its end.
    guard.communicate(timeout=WAIT_S)


def running(number: Path) -> bool:
    return Path(f"/proc/{int(number.read_text())}").exists()

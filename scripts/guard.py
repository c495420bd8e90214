"""Runs a program until standard input ends, then stops it with all that it started. Usage: guard.py [--user NAME] [--stop SIGNAL] [--remove FOLDER] PROGRAM …

Whoever holds the other end of standard input may end in any way, by SIGKILL too: the kernel closes the pipe. Orphans fall to the guard, so that
a daemon which left its process group is found as well. When the program ends by itself, what it started ends with it, FOLDER stays, and the exit status is
the program's.

The first line on standard output is the program's process id; what the program says goes to standard error. For Linux.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import os
import select
import shutil
import signal
import subprocess
import sys
from pathlib import Path

STOP_S = 5  # for a program that was asked to stop
# of <linux/prctl.h>
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36

libc = ctypes.CDLL(None)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--user", help="who runs the program")
    parser.add_argument("--stop", default="SIGKILL", help="how the program is asked to stop when standard input ends")
    parser.add_argument("--remove", help="a folder that goes when standard input ends")
    parser.add_argument("program", nargs=argparse.REMAINDER)
    given = parser.parse_args()

    # Ctrl-C and the end of a terminal are for the one who started this.
    with contextlib.suppress(PermissionError):
        os.setsid()
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1)
    groups: list[str | int] | None = [] if given.user else None
    program = subprocess.Popen(
        given.program, stdin=subprocess.DEVNULL, stdout=sys.stderr, user=given.user, group=given.user, extra_groups=groups, preexec_fn=die_with_the_guard
    )
    print(program.pid, flush=True)

    ended = os.pidfd_open(program.pid)
    while ended not in (ready := select.select([0, ended], [], [])[0]) and os.read(0, 1024):
        pass
    status = 0
    if ended in ready:
        status = program.wait()
    else:
        program.send_signal(signal.Signals[given.stop])
        select.select([ended], [], [], STOP_S)
    end_children()
    if given.remove and ended not in ready:
        shutil.rmtree(given.remove, ignore_errors=True)
    return status if status >= 0 else 128 - status


def die_with_the_guard() -> None:
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def end_children() -> None:
    """With each one its own children fall to this process, until there is none left."""
    mine = Path(f"/proc/self/task/{os.getpid()}/children")
    with contextlib.suppress(ChildProcessError):
        while True:
            for child in mine.read_text().split():
                os.kill(int(child), signal.SIGKILL)
            os.wait()


if __name__ == "__main__":
    sys.exit(main())

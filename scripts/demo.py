"""Starts the sandbox and a shop, says where the shop is, and stops both on Ctrl-C. Usage: demo.py [--shop gin|spring|fastapi] [--check]

With --check a headless browser buys something (tests/demo/browser.py), and its exit status is this one's.
The shop keeps its orders in the database that DATABASE_URL names; without it in target/demo/store, which is emptied first, for the sandbox forgets too.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
STATE = ROOT / "target" / "demo"
PYTHON = str(ROOT / ".venv" / "bin" / "python")

READY_S = 60  # a JVM on a busy machine takes a while
STOP_S = 10

# How each shop is built, in which folder, and how it is started.
SHOPS = {
    "gin": (["go", "build", "-o", str(STATE / "gin-shop"), "."], "examples/gin-shop", [str(STATE / "gin-shop")]),
    "spring": (
        ["mvn", "--batch-mode", "--quiet", "--no-transfer-progress", "-Dstyle.color=never", "-DskipTests", "package"],
        "bindings/java",
        ["java", "-jar", "examples/spring-shop/target/spring-shop.jar"],
    ),
    "fastapi": ([PYTHON, "-m", "compileall", "-q", "."], "examples/fastapi-shop", [PYTHON, "examples/fastapi-shop/main.py"]),
}


def fail(message: str) -> NoReturn:
    sys.exit(f"demo: {message}")


def build(shop: str) -> None:
    command, folder, _ = SHOPS[shop]
    for step, where in ((["scripts/build"], "."), (command, folder)):
        print(f"demo: {' '.join(step)}", flush=True)
        if subprocess.run(step, cwd=ROOT / where, check=False).returncode != 0:
            fail(f"cannot build: {' '.join(step)} in {where} failed")


def fresh_database() -> str:
    store = STATE / "store"
    shutil.rmtree(store, ignore_errors=True)
    store.mkdir()
    return f"sqlite:{store / 'shop.db'}"


def last_words(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()
    return next((f": {line}" for line in reversed(lines) if line.strip()), "")


@contextmanager
def program(name: str, command: list[str], ended: threading.Event, environment: Mapping[str, str] = {}) -> Iterator[str]:
    """Runs until the block is left; gives the address of its first line, `NAME: http://…`. Its log is target/demo/NAME.log."""
    log = STATE / f"{name}.log"
    first: list[str] = []
    spoken = threading.Event()

    def listen(process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            if not first:
                first.append(line.strip())
                spoken.set()
        spoken.set()
        ended.set()

    with log.open("w") as errors:
        process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **environment}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
        )
        listener = threading.Thread(target=listen, args=(process,), daemon=True)
        listener.start()
        try:
            spoken.wait(READY_S)
            if not first or not first[0].startswith(f"{name}: http://127.0.0.1:"):
                fail(f"the {name} does not start{last_words(log)}; see {log.relative_to(ROOT)}")
            yield first[0].removeprefix(f"{name}: ")
        finally:
            process.terminate()
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            listener.join()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shop", choices=SHOPS, default="gin")
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args()
    # Stopped from outside as from the keyboard: through the exit handlers, so that nothing is left running.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))

    STATE.mkdir(parents=True, exist_ok=True)
    build(given.shop)
    ended = threading.Event()
    with ExitStack() as running:
        sandbox = running.enter_context(program("sandbox", ["target/release/payseal-sandbox", "--dir", str(STATE / "sandbox"), "--exit-with-stdin"], ended))
        keys = STATE / "sandbox"
        start = [*SHOPS[given.shop][2], "--wechat", str(keys / "config.json"), "--alipay", str(keys / "config-alipay.json"), "--listen", "127.0.0.1:0"]
        database = {"DATABASE_URL": os.environ.get("DATABASE_URL") or fresh_database()}
        shop = running.enter_context(program("shop", start, ended, database))
        if given.check:
            where = ["--shop", shop, "--sandbox", sandbox, "--wechat", str(keys / "config.json"), "--screenshots", str(STATE)]
            return subprocess.run([PYTHON, "tests/demo/browser.py", *where], cwd=ROOT, env={**os.environ, **database}, check=False).returncode
        print(f"demo: the sandbox is at {sandbox}, the operator's page at {shop}/operator/\ndemo: open {shop} in a browser; Ctrl-C stops", flush=True)
        ended.wait()
        print(f"demo: a program has stopped by itself, see {STATE.relative_to(ROOT)}/*.log", file=sys.stderr)
        return 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print()
        sys.exit(0)

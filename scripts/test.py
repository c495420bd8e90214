"""Runs every suite of every language, one after another, and adds up what they counted. Usage: test.py [lint | NAME…]

A suite's whole output goes to target/test/NAME.log; of a suite that fails, the end is shown. The last line is
`N passed, N failed, N skipped`; the exit status is 0 only when nothing failed. A suite that breaks off, or
that counted nothing, is itself a failed test: no silence may pass for success.

Suites that test against real servers get their addresses as PAYSEAL_TEST_… (scripts/services.py). The servers start while the first suites run,
and are shared by all.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from services import SERVERS, ServiceError, Services

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / "target" / "test"
PYTHON = str(ROOT / ".venv" / "bin" / "python")
TAIL = 80  # lines shown of a suite that failed
EVERY = tuple(SERVERS)


@dataclass(frozen=True)
class Counts:
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped)

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def total(counts: Iterable[Counts]) -> Counts:
    return sum(counts, Counts())


def cargo(log: str) -> Counts:
    found = re.findall(r"^test result: .*? (\d+) passed; (\d+) failed; (\d+) ignored", log, re.MULTILINE)
    return total(Counts(*map(int, numbers)) for numbers in found)


def cargo_failures(log: str) -> list[str]:
    """Each test that failed with what it said, without backtraces; all of it when none did, as when something does not compile."""
    blocks = re.findall(r"^---- .*?(?=^stack backtrace|^---- |^failures:)", log, re.MULTILINE | re.DOTALL)
    return "".join(blocks).splitlines() if blocks else log.splitlines()


def go(log: str) -> Counts:
    """`go test -json`: the last word about each test. A parent of subtests counts as one test more, as `go test -v` shows it."""
    results: dict[tuple[str, str], str] = {}
    for line in log.splitlines():
        if line.startswith("{"):
            event = json.loads(line)
            if "Test" in event and event["Action"] in ("pass", "fail", "skip"):
                results[event["Package"], event["Test"]] = event["Action"]
    verdicts = list(results.values())
    return Counts(verdicts.count("pass"), verdicts.count("fail"), verdicts.count("skip"))


def go_failures(log: str) -> list[str]:
    """What the tests that failed have said; all of it when none did, as when something does not compile."""
    events = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    failed = {(event["Package"], event.get("Test")) for event in events if event["Action"] == "fail" and "Test" in event}
    said = [event["Output"].rstrip("\n") for event in events if event["Action"] == "output" and (not failed or (event["Package"], event.get("Test")) in failed)]
    return [line for line in log.splitlines() if not line.startswith("{")] + said


def tap(log: str) -> Counts:
    """The Test Anything Protocol, which the C programs and shell scripts speak."""
    skipped = len(re.findall(r"^ok .*# SKIP", log, re.MULTILINE))
    return Counts(len(re.findall(r"^ok ", log, re.MULTILINE)) - skipped, len(re.findall(r"^not ok ", log, re.MULTILINE)), skipped)


def tap_failures(log: str) -> list[str]:
    """Each promise that was broken, and whatever is not TAP, with the comments below it."""
    shown, broken = [], False
    for line in log.splitlines():
        if not line.startswith("#"):
            broken = not re.match(r"ok |1\.\.", line)
        if broken:
            shown.append(line)
    return shown


def browser(log: str) -> Counts:
    """tests/demo/browser.py: a line for each promise kept; a broken one shows in the exit status."""
    return Counts(len(re.findall(r"^check: ", log, re.MULTILINE)))


def junit(*patterns: str) -> Callable[[str], Counts]:
    def count(_log: str) -> Counts:
        return total(junit_suite(suite) for pattern in patterns for report in ROOT.glob(pattern) for suite in ElementTree.parse(report).iter("testsuite"))

    return count


def junit_suite(suite: ElementTree.Element) -> Counts:
    tests, skipped = int(suite.get("tests", 0)), int(suite.get("skipped", 0))
    failed = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
    return Counts(tests - failed - skipped, failed, skipped)


def end(log: str) -> list[str]:
    return log.splitlines()


def nothing(_log: str) -> Counts:
    """For lint: it fails or stays silent."""
    return Counts()


@dataclass(frozen=True)
class Suite:
    name: str
    command: list[str]
    count: Callable[[str], Counts] = nothing
    folder: str = "."
    environment: dict[str, str] = field(default_factory=dict)
    explain: Callable[[str], list[str]] = end  # what to show of a failure; its last lines are shown
    minutes: int = 20  # then it is stopped and has failed
    reports: str = ""  # old ones are removed first, lest they be counted again
    servers: tuple[str, ...] = ()


def modules(*roots: str) -> list[str]:
    """Folders with a go.mod: the binding, the parts of it with dependencies of their own, and the example."""
    return sorted(str(file.parent.relative_to(ROOT)) for root in roots for file in (ROOT / root).rglob("go.mod"))


def go_suites() -> Iterable[Suite]:
    for module in modules("bindings/go", "examples"):
        # cgocheck finds Go pointers that C may not have; a collector that never rests moves stacks and frees what only C still holds.
        strict = {"GODEBUG": "cgocheck=1", "GOGC": "5"}
        yield Suite(f"go:{module}", ["go", "test", "-race", "-json", "-timeout=10m", "./..."], go, module, strict, go_failures, servers=EVERY)


def lint() -> Iterable[Suite]:
    yield Suite("lint:rustfmt", ["cargo", "fmt", "--all", "--check"])
    yield Suite("lint:clippy", ["cargo", "clippy", "--quiet", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"])
    for features in ("aws-lc-rs", "rustcrypto,transport,sqlite", "aws-lc-rs,postgres", "aws-lc-rs,transport,mysql"):
        few = ["cargo", "clippy", "--quiet", "--no-default-features", "--features", features, "--", "-D", "warnings"]
        yield Suite(f"lint:{features}", few)
    yield Suite("lint:fuzz", ["sh", "-c", "cargo fmt --check && cargo clippy --quiet --locked --target-dir ../target -- -D warnings"], folder="fuzz")
    for module in modules("bindings/go", "examples"):
        yield Suite(f"lint:{module}", ["sh", "-c", 'test -z "$(gofmt -l . | tee /dev/stderr)" && go vet ./...'], folder=module)
    for name, folder, typed in (
        ("scripts", ".", "--strict scripts tests/vectors tests/demo tests/services"),
        ("python", "bindings/python", ""),
        ("fastapi-shop", "examples/fastapi-shop", "."),
    ):
        ruff = f"{PYTHON} -m ruff"
        yield Suite(f"lint:{name}", ["sh", "-c", f"{ruff} check . && {ruff} format --check . && {PYTHON} -m mypy {typed}"], folder=folder)


def pytest(name: str, folder: str, *options: str, servers: tuple[str, ...] = ()) -> Suite:
    report = f"target/test/{name}.xml"
    command = [PYTHON, "-m", "pytest", "--quiet", "-ra", f"--junitxml={ROOT}/{report}", *options]
    return Suite(name, command, junit(report), folder, reports=report, servers=servers)


def suites() -> Iterable[Suite]:
    yield Suite("build", ["scripts/build"])
    yield from lint()
    yield Suite("vectors", ["make", "--no-print-directory", "vectors"])
    # Ignored are the tests that need a server, and those that others run in a process alone.
    every = ["cargo", "test", "--workspace", "--all-features", "--no-fail-fast", "--", "--include-ignored", "--skip=alone_"]
    yield Suite("rust", every, cargo, explain=cargo_failures, servers=("postgres", "mariadb"))
    # Starts servers of its own, to kill them.
    yield Suite("crash", ["cargo", "test", "--all-features", "--test", "crash", "--", "--include-ignored", "--skip=alone_"], cargo, explain=cargo_failures)
    # The second engine without the first, as on a platform that has no C compiler.
    second = ["cargo", "test", "--no-default-features", "--features", "rustcrypto", "--test", "crypto", "--test", "vectors", "--no-fail-fast"]
    yield Suite("rust:rustcrypto", second, cargo, explain=cargo_failures)
    yield Suite("threats", [PYTHON, "scripts/threats.py"], tap, explain=tap_failures)
    yield Suite("header", ["tests/header/run"], tap, explain=tap_failures)
    yield Suite("c", ["examples/c/run-tests"], tap, explain=tap_failures)
    yield from go_suites()
    yield Suite(
        "java",
        ["mvn", "--batch-mode", "--no-transfer-progress", "-Dstyle.color=never", "verify"],
        junit("bindings/java/*/target/surefire-reports/TEST-*.xml", "examples/spring-shop/target/surefire-reports/TEST-*.xml"),
        "bindings/java",
        reports="bindings/java/**/surefire-reports/*.xml",
        servers=EVERY,
    )
    yield pytest("python", "bindings/python", servers=EVERY)
    yield pytest("services", "tests/services", f"--override-ini=pythonpath={ROOT}/scripts")
    yield Suite("readme", ["tests/readme/run"], tap, explain=tap_failures)
    for shop in ("gin", "spring", "fastapi"):
        yield Suite(f"demo:{shop}", [PYTHON, "scripts/demo.py", "--shop", shop, "--check"], browser, minutes=10)


def run(suite: Suite, addresses: Future[dict[str, str]]) -> Counts:
    for report in ROOT.glob(suite.reports) if suite.reports else ():
        report.unlink()
    log = LOGS / f"{suite.name.replace('/', '-')}.log"
    started = time.monotonic()
    try:
        status = execute(suite, log, addresses.result() if suite.servers else {})
    except (ServiceError, OSError) as error:
        log.write_text(f"services: {error}\n")
        status = 1
    text = re.sub(r"\x1b\[[0-9;]*m", "", log.read_text(errors="replace"))
    counts = suite.count(text)
    if counts.failed == 0 and (status != 0 or (suite.count is not nothing and counts == Counts())):
        counts += Counts(failed=1)
    print(f"{suite.name:32} {'' if suite.count is nothing and not counts.failed else counts!s:45} {time.monotonic() - started:6.1f} s", flush=True)
    if counts.failed:
        print(f"--- {log.relative_to(ROOT)}, its end:", *suite.explain(text)[-TAIL:], "---", sep="\n", flush=True)
    return counts


def execute(suite: Suite, log: Path, addresses: dict[str, str]) -> int:
    """In a process group of its own, so that nothing it started outlives it."""
    with log.open("wb") as output:
        try:
            process = subprocess.Popen(
                suite.command,
                cwd=ROOT / suite.folder,
                env=os.environ | suite.environment | addresses,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            output.write(f"{suite.command[0]}: {error}\n".encode())
            return 127
        try:
            return process.wait(suite.minutes * 60)
        except subprocess.TimeoutExpired:
            output.write(f"\nstopped after {suite.minutes} minutes\n".encode())
            return 1
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def main(names: list[str]) -> int:
    LOGS.mkdir(parents=True, exist_ok=True)
    every = list(suites())
    chosen = every if not names else [suite for suite in every if any(suite.name == name or suite.name.startswith(name + ":") for name in names)]
    if not chosen:
        print("suites:", *(suite.name for suite in every))
        return 2
    services = Services(*(name for suite in chosen for name in suite.servers))
    with ThreadPoolExecutor(1) as beside:
        addresses = beside.submit(services.start)
        try:
            counts = total([run(suite, addresses) for suite in chosen])
        finally:
            beside.submit(services.stop).result()
    print(counts)
    return 1 if counts.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""What tests may rely on when they are given servers: scripts/services.py."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from services import SERVERS, Redis, ServiceError, Services, place

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, str(ROOT / "scripts" / "services.py")]
WAIT_S = 60


@pytest.fixture(scope="module")
def services() -> Iterator[Services]:
    every = Services(*SERVERS)
    with every:
        yield every


def client(services: Services, name: str, question: str) -> str:
    """What the server's own client says."""
    url = services.servers[name].url
    at = urlsplit(url)
    login = ["--protocol=tcp", f"--host={at.hostname}", f"--port={at.port}", f"--user={at.username}", f"--password={at.password}"]
    command = {
        "postgres": ["psql", "--no-psqlrc", "--tuples-only", "--no-align", "--quiet", f"--command={question}", url],
        "mariadb": ["mariadb", "--no-defaults", "--skip-column-names", *login, f"--execute={question}", at.path[1:]],
        "redis": ["redis-cli", "-u", url, *question.split()],
    }[name]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=WAIT_S).stdout.strip()


@pytest.mark.parametrize(
    ("name", "question", "answer"),
    [
        ("postgres", "SELECT setting FROM pg_settings WHERE name = 'fsync'", "on"),
        ("postgres", "SELECT setting FROM pg_settings WHERE name = 'synchronous_commit'", "on"),
        ("postgres", "SELECT setting FROM pg_settings WHERE name = 'full_page_writes'", "on"),
        ("postgres", "SELECT rolsuper FROM pg_roles WHERE rolname = current_user", "t"),
        ("mariadb", "SELECT @@innodb_flush_log_at_trx_commit, @@innodb_doublewrite", "1\t1"),
        ("redis", "CONFIG GET append*sync", "appendfsync\nalways"),
        ("redis", "CONFIG GET appendonly", "appendonly\nyes"),
    ],
)
def test_what_a_server_has_acknowledged_is_on_the_disk(services: Services, name: str, question: str, answer: str) -> None:
    assert client(services, name, question) == answer


def test_a_password_is_asked_for(services: Services) -> None:
    for name, command in (("postgres", ["psql", "--no-password"]), ("mariadb", ["mariadb", "--no-defaults", "--protocol=tcp", "--user=root"])):
        at = urlsplit(services.servers[name].url)
        refused = subprocess.run([*command, f"--host={at.hostname}", f"--port={at.port}"], capture_output=True, stdin=subprocess.DEVNULL, timeout=WAIT_S)
        assert refused.returncode != 0, name


def test_a_killed_server_comes_back_with_its_data_at_the_same_address(services: Services) -> None:
    client(services, "postgres", "CREATE TABLE kept AS SELECT 41 AS n")
    client(services, "mariadb", "CREATE TABLE kept AS SELECT 42 AS n")
    client(services, "redis", "SET kept 43")
    before = {name: (services.pid(name), server.url) for name, server in services.servers.items()}

    services.kill(*SERVERS)
    for name, server in services.servers.items():
        assert not Path(f"/proc/{services.pid(name)}").exists()
        assert not server.answers(), name
    services.restart(*SERVERS)

    for name, server in services.servers.items():
        pid, url = before[name]
        assert services.pid(name) != pid
        assert server.url == url
        assert server.answers()
    assert client(services, "postgres", "SELECT n FROM kept") == "41"
    assert client(services, "mariadb", "SELECT n FROM kept") == "42"
    assert client(services, "redis", "GET kept") == "43"


# Beside the servers of the other tests: they do not meet.
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_is_left_when_the_parent_ends(services: Services, how: signal.Signals) -> None:
    names = ["postgres", "mariadb", "redis", "rabbitmq", "nats", "kafka"] if how == signal.SIGKILL else ["postgres", "redis"]
    before = folders()
    # Below a shell's background job it would be born deaf to SIGINT.
    parent = subprocess.Popen([*COMMAND, *names], stdout=subprocess.PIPE, text=True, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    assert parent.stdout is not None
    for _ in names:
        assert parent.stdout.readline().startswith("export PAYSEAL_TEST_")
    started = descendants(parent.pid)
    assert len(started) >= 2 * len(names), "a guard and a server for each"
    assert ("epmd" in started.values()) == ("rabbitmq" in names), "a daemon that has left its parent"
    assert len(folders() - before) == len(names)

    ends = []
    for pid in started:
        with contextlib.suppress(ProcessLookupError):  # one that answered a question, and has ended by itself
            ends.append(os.pidfd_open(pid))
    parent.send_signal(how)
    parent.wait(WAIT_S)
    for end in ends:
        assert select.select([end], [], [], WAIT_S)[0], f"{started} have not all ended"
        os.close(end)
    assert folders() <= before
    assert all(server.answers() for server in services.servers.values())


def test_a_program_in_another_language_kills_and_restarts_what_it_started() -> None:
    before = folders()
    program = subprocess.Popen([*COMMAND, "redis", "--obey"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert program.stdin is not None
    assert program.stdout is not None
    url = program.stdout.readline().removeprefix("export PAYSEAL_TEST_REDIS=").strip()

    def answers() -> bool:
        return subprocess.run(["redis-cli", "-u", url, "PING"], capture_output=True, timeout=WAIT_S).stdout == b"PONG\n"

    assert answers()
    for order, alive in (("kill", False), ("restart", True)):
        program.stdin.write(f"{order} redis\n")
        program.stdin.flush()
        assert program.stdout.readline() == "done\n"
        assert answers() == alive
    program.stdin.close()
    assert program.wait(WAIT_S) == 0
    assert not answers()
    assert folders() <= before


@pytest.mark.parametrize("order", ["stop redis", "kill", "kill nats", ""])
def test_what_is_no_order_is_named(order: str) -> None:
    ran = subprocess.run([*COMMAND, "redis", "--obey"], input=f"{order}\n", capture_output=True, text=True, timeout=WAIT_S)
    assert ran.returncode == 1
    assert f"services: {order!r} is no order" in ran.stderr


def folders() -> set[Path]:
    """The data of all servers."""
    return {folder for name in SERVERS for folder in place().glob(f"{name}-*")}


def descendants(pid: int) -> dict[int, str]:
    """Of each process that runs, its name. Those that come and go, like a worker of a database, may be missed."""
    found: dict[int, str] = {}
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, children.read_text().split()):
            found |= {child: Path(f"/proc/{child}/comm").read_text().strip()} | descendants(child)
    return found


def test_a_command_gets_the_addresses_and_its_status_is_passed_on() -> None:
    command = [*COMMAND, "redis", "--", "sh", "-c", 'echo "$PAYSEAL_TEST_REDIS $PAYSEAL_TEST_NATS"; exit 7']
    ran = subprocess.run(command, capture_output=True, text=True, timeout=WAIT_S)
    assert ran.returncode == 7
    assert ran.stdout.startswith("redis://127.0.0.1:")
    assert ran.stdout.endswith(" \n"), "only what was named"


def test_a_server_that_does_not_start_says_why_and_takes_the_others_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    before = folders()
    monkeypatch.setattr(Redis, "program", lambda self: ["sh", "-c", "echo no luck today"])
    with pytest.raises(ServiceError, match=r"redis has ended by itself(.|\n)*no luck today"):
        Services("nats", "redis").start()
    assert folders() <= before


@pytest.mark.parametrize(("name", "path", "said"), [("oracle", os.environ["PATH"], "there are postgres, mariadb"), ("redis", "", "run scripts/setup services")])
def test_a_server_that_is_not_there_is_named(name: str, path: str, said: str) -> None:
    ran = subprocess.run([*COMMAND, name], capture_output=True, text=True, timeout=WAIT_S, env=os.environ | {"PATH": path})
    assert ran.returncode == 1
    assert name in ran.stderr
    assert said in ran.stderr
    assert "Traceback" not in ran.stderr

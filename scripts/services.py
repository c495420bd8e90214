#!/usr/bin/env python3
"""Starts real servers for tests: services.py [postgres mariadb redis rabbitmq nats kafka] [--obey | -- COMMAND …]

Runs COMMAND with PAYSEAL_TEST_POSTGRES, PAYSEAL_TEST_MYSQL, PAYSEAL_TEST_REDIS, PAYSEAL_TEST_RABBITMQ, PAYSEAL_TEST_NATS and PAYSEAL_TEST_KAFKA in
its environment, as far as these servers were named (none named: all), and ends with its exit status. Without COMMAND it prints the variables and
waits for Ctrl-C; with --obey it reads `kill NAME` and `restart NAME` from its standard input, a line each, answers each with `done`, and ends with
its input, for tests in other languages. `with Services("postgres") as urls:` does the same for a program.

Each server has fresh data below target/services, its own free ports on 127.0.0.1, settings under which what it has acknowledged is on the disk, and
a guard (guard.py) that stops it when this process ends, however it ends. Servers that run on the machine are not touched.
"""

from __future__ import annotations

import contextlib
import os
import random
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import ClassVar
from uuid import uuid4

ROOT = Path(__file__).resolve().parent.parent
STATE = ROOT / "target" / "services"
GUARD = ROOT / "scripts" / "guard.py"

HOST = "127.0.0.1"
USER = "payseal"
READY_S = 90  # a JVM on a busy machine takes a while
PREPARED_S = 300  # Kafka is fetched, the first time
POLL_S = 0.05
ANSWER_S = 2  # for one question to a server; it is asked again
TAIL = 30  # lines shown of the log of a server that does not start

IS_ROOT = os.geteuid() == 0


class ServiceError(Exception):
    """A server that cannot be started, and why."""


class Server(ABC):
    """One server: first `prepare`, once, then `program`, as often as it is started."""

    name: ClassVar[str]
    variable: ClassVar[str]
    stop_signal: ClassVar[str] = "SIGKILL"  # its data go with it
    user: ClassVar[str | None] = None  # who runs it, if not the caller

    def __init__(self, ports: Iterator[int]) -> None:
        self.port = next(ports)
        self.password = secrets.token_hex(16)
        self.folder = Path(tempfile.mkdtemp(prefix=f"{self.name}-", dir=place()))
        self.data = self.folder / "data"
        self.log = STATE / f"{self.name}.log"
        self.log.write_bytes(b"")
        self.pid = 0
        self.guard: subprocess.Popen[bytes] | None = None

    @property
    @abstractmethod
    def url(self) -> str: ...

    def prepare(self) -> None:
        self.data.mkdir()

    @abstractmethod
    def program(self) -> list[str]: ...

    def environment(self) -> dict[str, str]:
        return {}

    @abstractmethod
    def answers(self) -> bool:
        """Whether the server does what it is there for, asked once."""

    def prepare_and_start(self) -> None:
        self.prepare()
        self.start()

    def start(self) -> None:
        self.guard = self.guarded(self.program())
        deadline = time.monotonic() + READY_S
        while not self.answers():
            # Either it has ended, or it is asked again.
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.guard.wait(POLL_S)
                raise self.error("has ended by itself")
            if time.monotonic() > deadline:
                raise self.error(f"does not answer within {READY_S} s")

    def kill(self) -> None:
        """As a crash would, with everything it started; its data stay."""
        if self.guard is not None and self.guard.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            self.guard.wait()
            let_go(self.guard)

    def release(self) -> None:
        """Makes the guard stop the server and remove its data."""
        if self.guard is not None:
            let_go(self.guard)

    def wait(self) -> None:
        if self.guard is not None:
            self.guard.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def guarded(self, command: list[str]) -> subprocess.Popen[bytes]:
        options = [f"--remove={self.folder}", f"--stop={self.stop_signal}"] + ([f"--user={self.user}"] if self.user else [])
        with self.log.open("ab") as log:
            guard = subprocess.Popen(
                [sys.executable, str(GUARD), *options, *command],
                cwd=self.folder,
                env=os.environ | self.environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        assert guard.stdout is not None
        with guard.stdout as said:
            number = said.readline()
        if not number:
            guard.wait()
            raise self.error(f"cannot run {command[0]}")
        self.pid = int(number)
        return guard

    def run(self, command: list[str]) -> None:
        """A step of the preparation."""
        guard = self.guarded(command)
        try:
            if guard.wait(PREPARED_S) != 0:
                raise self.error(f"cannot be prepared: {command[0]} has failed")
        except subprocess.TimeoutExpired:
            raise self.error(f"cannot be prepared: {command[0]} takes more than {PREPARED_S} s") from None
        finally:
            let_go(guard)

    def error(self, what: str) -> ServiceError:
        end = self.log.read_text(errors="replace").splitlines()[-TAIL:]
        return ServiceError("\n".join([f"{self.name} {what}, see {self.log.relative_to(ROOT)}, its end:", *end]))

    def installed(self, program: str) -> str:
        """Its path; Debian has servers in /usr/sbin, which is not on everyone's PATH."""
        return installed(self.name, program, os.environ.get("PATH", os.defpath) + ":/usr/sbin")


def let_go(guard: subprocess.Popen[bytes]) -> None:
    assert guard.stdin is not None
    guard.stdin.close()


def installed(server: str, program: str, where: str) -> str:
    if path := shutil.which(program, path=where):
        return path
    raise ServiceError(f"{server} is not installed ({program} is missing): run scripts/setup services")


def place() -> Path:
    """Where data go: the user of a server who is not root must be able to get there."""
    STATE.mkdir(parents=True, exist_ok=True)
    closed = IS_ROOT and not all(folder.stat().st_mode & 0o001 for folder in (STATE, *STATE.parents))
    return Path("/var/tmp") if closed else STATE


def free_ports() -> Iterator[int]:
    """Each only once, and below those that the kernel gives to clients, lest one of them sits on it while its server is down."""
    for port in random.sample(range(15_000, 32_768), 17_000):
        if is_free(port):
            yield port


def is_free(port: int) -> bool:
    with contextlib.suppress(OSError), socket.socket() as probe:
        probe.bind((HOST, port))
        return True
    return False


def says(port: int, question: bytes, answer: bytes) -> bool:
    """Whether `answer` occurs in what the server says to `question`."""
    heard = b""
    with contextlib.suppress(OSError), socket.create_connection((HOST, port), ANSWER_S) as connection:
        connection.settimeout(ANSWER_S)
        connection.sendall(question)
        while answer not in heard and (piece := connection.recv(4096)):
            heard += piece
    return answer in heard


def succeeds(command: list[str]) -> bool:
    with contextlib.suppress(subprocess.TimeoutExpired):
        return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=ANSWER_S).returncode == 0
    return False


class Postgres(Server):
    name, variable = "postgres", "PAYSEAL_TEST_POSTGRES"
    stop_signal = "SIGQUIT"  # at once, but it removes its shared memory
    user = "postgres" if IS_ROOT else None  # it refuses to run as root

    @property
    def url(self) -> str:
        return f"postgres://{USER}:{self.password}@{HOST}:{self.port}/postgres"

    def prepare(self) -> None:
        password = self.folder / "password"
        password.write_text(self.password)
        if self.user:
            shutil.chown(self.folder, self.user, self.user)
        superuser = [f"--username={USER}", f"--pwfile={password}", "--auth=scram-sha-256"]
        self.run([self.of_postgres("initdb"), f"--pgdata={self.data}", *superuser, "--no-locale", "--encoding=UTF8", "--no-sync"])

    def program(self) -> list[str]:
        settings = {
            "listen_addresses": HOST,
            "port": self.port,
            "unix_socket_directories": "",
            "dynamic_shared_memory_type": "mmap",  # in its folder, not in /dev/shm
            "max_connections": 200,
        }
        return [self.of_postgres("postgres"), "-D", str(self.data), *(f"--{name}={value}" for name, value in settings.items())]

    def answers(self) -> bool:
        return succeeds([self.of_postgres("psql"), "--no-psqlrc", "--command=SELECT 1", self.url])

    def of_postgres(self, program: str) -> str:
        """From the newest version that is installed."""
        versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
        return installed(self.name, program, str(versions[-1].parent) if versions else "")


class MariaDb(Server):
    name, variable = "mariadb", "PAYSEAL_TEST_MYSQL"
    as_user: ClassVar[list[str]] = ["--user=root"] if IS_ROOT else []  # it wants to be told so

    @property
    def url(self) -> str:
        return f"mysql://{USER}:{self.password}@{HOST}:{self.port}/{USER}"

    def prepare(self) -> None:
        self.run([self.installed("mariadb-install-db"), "--no-defaults", f"--datadir={self.data}", "--skip-test-db", *self.as_user])
        (self.folder / "init.sql").write_text(
            f"CREATE DATABASE IF NOT EXISTS {USER};\n"
            f"CREATE USER IF NOT EXISTS {USER} IDENTIFIED BY '{self.password}';\n"
            f"GRANT ALL ON *.* TO {USER} WITH GRANT OPTION;\n"
        )

    def program(self) -> list[str]:
        options = [f"--datadir={self.data}", f"--init-file={self.folder}/init.sql", f"--bind-address={HOST}", f"--port={self.port}"]
        options += ["--socket=socket", "--pid-file=pid", "--skip-name-resolve", "--character-set-server=utf8mb4", "--max-connections=200"]
        return [self.installed("mariadbd"), "--no-defaults", *options, "--innodb-flush-log-at-trx-commit=1", *self.as_user]

    def answers(self) -> bool:
        client = [self.installed("mariadb"), "--no-defaults", "--protocol=tcp", f"--host={HOST}", f"--port={self.port}"]
        return succeeds([*client, f"--user={USER}", f"--password={self.password}", "--execute=SELECT 1", USER])


class Redis(Server):
    name, variable = "redis", "PAYSEAL_TEST_REDIS"

    @property
    def url(self) -> str:
        return f"redis://{HOST}:{self.port}"

    def program(self) -> list[str]:
        durable = ["--appendonly", "yes", "--appendfsync", "always", "--save", ""]
        return [self.installed("redis-server"), "--bind", HOST, "--port", str(self.port), "--dir", str(self.data), *durable]

    def answers(self) -> bool:
        return says(self.port, b"PING\r\n", b"+PONG\r\n")


class RabbitMq(Server):
    name, variable = "rabbitmq", "PAYSEAL_TEST_RABBITMQ"

    def __init__(self, ports: Iterator[int]) -> None:
        super().__init__(ports)
        self.node_port, self.epmd_port = next(ports), next(ports)

    @property
    def url(self) -> str:
        return f"amqp://{USER}:{self.password}@{HOST}:{self.port}/%2f"

    def prepare(self) -> None:
        super().prepare()
        (self.folder / "rabbitmq.conf").write_text(f"listeners.tcp.1 = {HOST}:{self.port}\ndefault_user = {USER}\ndefault_pass = {self.password}\n")
        (self.folder / "enabled_plugins").write_text("[].\n")

    def program(self) -> list[str]:
        # The script behind /usr/sbin/rabbitmq-server, which changes user and folders.
        return [installed(self.name, "rabbitmq-server", "/usr/lib/rabbitmq/bin")]

    def environment(self) -> dict[str, str]:
        return {
            "HOME": str(self.folder),  # for the cookie
            "RABBITMQ_NODENAME": "payseal@localhost",
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",  # not the machine's
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "enabled_plugins"),
            "RABBITMQ_MNESIA_BASE": str(self.data),
            "RABBITMQ_LOG_BASE": str(self.folder),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_DIST_PORT": str(self.node_port),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "ERL_EPMD_ADDRESS": HOST,
            "ERL_EPMD_PORT": str(self.epmd_port),  # so it starts one of its own, which the guard stops with it
            # Makes the script become the broker, whose process id is then the one that is known.
            "RABBITMQ_ALLOW_INPUT": "true",
            "RABBITMQ_SERVER_START_ARGS": "-noinput",
        }

    def answers(self) -> bool:
        return says(self.port, b"AMQP\x00\x00\x09\x01", b"\x00\x0a\x00\x0a")  # Connection.Start


class Nats(Server):
    name, variable = "nats", "PAYSEAL_TEST_NATS"

    @property
    def url(self) -> str:
        return f"nats://{HOST}:{self.port}"

    def program(self) -> list[str]:
        # What it has acknowledged survives its own end; when it goes to the disk can be set only from 2.10 on.
        return [self.installed("nats-server"), "--addr", HOST, "--port", str(self.port), "--jetstream", "--store_dir", str(self.data)]

    def answers(self) -> bool:
        return says(self.port, b"CONNECT {}\r\nPING\r\n", b"PONG\r\n")


class Kafka(Server):
    name, variable = "kafka", "PAYSEAL_TEST_KAFKA"
    pom: ClassVar[Path] = ROOT / "scripts" / "kafka" / "pom.xml"
    classpath: ClassVar[Path] = STATE / "kafka.classpath"

    def __init__(self, ports: Iterator[int]) -> None:
        super().__init__(ports)
        self.controller_port = next(ports)
        self.properties = self.folder / "server.properties"

    @property
    def url(self) -> str:
        return f"{HOST}:{self.port}"

    def prepare(self) -> None:
        self.resolve()
        settings = {
            "process.roles": "broker,controller",
            "node.id": 1,
            "listeners": f"PLAINTEXT://{HOST}:{self.port},CONTROLLER://{HOST}:{self.controller_port}",
            "controller.listener.names": "CONTROLLER",
            "controller.quorum.voters": f"1@{HOST}:{self.controller_port}",
            "log.dirs": self.data,
            "log.flush.interval.messages": 1,  # no second broker has what this one has not on the disk
            "offsets.topic.replication.factor": 1,
            "offsets.topic.num.partitions": 1,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "transaction.state.log.num.partitions": 1,
            # After a crash the controller waits until the broker that was is given up.
            "broker.session.timeout.ms": 3000,
            "broker.heartbeat.interval.ms": 500,
            "group.initial.rebalance.delay.ms": 0,
        }
        self.properties.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        self.run([*self.java("kafka.tools.StorageTool"), "format", f"--cluster-id={uuid4()}", f"--config={self.properties}"])

    def program(self) -> list[str]:
        return [*self.java("kafka.Kafka"), str(self.properties)]

    def answers(self) -> bool:
        # Metadata, version 0, of all topics: one broker is known, and so the cluster takes messages.
        correlation = b"\x00\x00\x00\x07"
        request = b"\x00\x03\x00\x00" + correlation + b"\xff\xff" + b"\x00\x00\x00\x00"
        return says(self.port, len(request).to_bytes(4, "big") + request, correlation + b"\x00\x00\x00\x01")

    def java(self, main: str) -> list[str]:
        quick = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx512m", "-Dlog4j2.level=WARN"]
        return [self.installed("java"), *quick, f"--class-path={self.classpath.read_text()}", main]

    def resolve(self) -> None:
        """Has Maven name the broker's jars and fetch those that are missing, once."""
        known = self.classpath.exists() and self.classpath.stat().st_mtime > self.pom.stat().st_mtime
        if known and all(Path(jar).exists() for jar in self.classpath.read_text().split(":")):
            return
        found = self.folder / "classpath"
        maven = [self.installed("mvn"), "--batch-mode", "--no-transfer-progress", f"--file={self.pom}"]
        self.run([*maven, "dependency:build-classpath", "-DincludeScope=runtime", f"-Dmdep.outputFile={found}"])
        shutil.move(found, self.classpath)


SERVERS: dict[str, type[Server]] = {server.name: server for server in (Postgres, MariaDb, Redis, RabbitMq, Nats, Kafka)}


def together(step: Callable[[Server], None], servers: Iterable[Server]) -> None:
    with ThreadPoolExecutor(len(SERVERS)) as threads:
        list(threads.map(step, servers))


class Services:
    """The named servers, started together. As a context manager it gives the variables of the environment with their URLs.

    A server can be killed and started again on the same data and port.
    """

    def __init__(self, *names: str) -> None:
        if unknown := [name for name in names if name not in SERVERS]:
            raise ServiceError(f"no server is called {unknown[0]!r}; there are {', '.join(SERVERS)}")
        self.names = dict.fromkeys(names)
        self.servers: dict[str, Server] = {}

    def start(self) -> dict[str, str]:
        ports = free_ports()
        self.servers = {name: SERVERS[name](ports) for name in self.names}
        try:
            together(Server.prepare_and_start, self.servers.values())
        except BaseException:
            self.stop()
            raise
        return {server.variable: server.url for server in self.servers.values()}

    def stop(self) -> None:
        for server in self.servers.values():
            server.release()
        for server in self.servers.values():
            server.wait()
        self.servers = {}

    def pid(self, name: str) -> int:
        return self.servers[name].pid

    def kill(self, *names: str) -> None:
        """SIGKILL for each server, and for what it started."""
        for name in names:
            self.servers[name].kill()

    def restart(self, *names: str) -> None:
        """Kills what still runs; back when each server answers again."""
        self.kill(*names)
        together(Server.start, [self.servers[name] for name in names])

    def __enter__(self) -> dict[str, str]:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()


def obey(services: Services) -> None:
    orders = {"kill": services.kill, "restart": services.restart}
    for line in sys.stdin:
        order, *names = line.split() or [""]
        if order not in orders or not names or not services.names.keys() >= set(names):
            raise ServiceError(f"{line.strip()!r} is no order: kill or restart, and what runs here ({', '.join(services.names)})")
        orders[order](*names)
        print("done", flush=True)


def main(arguments: list[str]) -> int:
    if arguments and arguments[0] in ("-h", "--help"):
        print(__doc__)
        return 0
    split = arguments.index("--") if "--" in arguments else len(arguments)
    names, command = arguments[:split], arguments[split + 1 :]
    if obeys := "--obey" in names:
        names.remove("--obey")
    # Stopped from outside as from the keyboard: the command ends first, then the servers.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        services = Services(*(names or SERVERS))
        with services as urls:
            if command:
                return subprocess.run(command, env=os.environ | urls, check=False).returncode
            print(*(f"export {name}={shlex.quote(url)}" for name, url in urls.items()), sep="\n", flush=True)
            if obeys:
                obey(services)
            else:
                signal.pause()
            return 0
    except (ServiceError, OSError) as error:
        print(f"services: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)

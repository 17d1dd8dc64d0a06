"""A PostgreSQL server of a test's own, which it can stop, crash and cut off."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from tests.browser import free_port


def binaries() -> Path | None:
    """Return the folder with initdb and pg_ctl: of the newest version, or on the PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[4]))
    on_path = shutil.which("initdb")
    if found or on_path:
        return (found[-1] if found else Path(str(on_path))).resolve().parent
    return None


def can_run() -> bool:
    """Tell whether a PostgreSQL can be started here."""
    return bool(binaries() and (os.geteuid() or shutil.which("runuser")))


def has_namespaces() -> bool:
    """Tell whether network namespaces can be made here."""
    if os.geteuid() or not shutil.which("ip"):
        return False
    name = f"chatstore{os.getpid()}try"
    if subprocess.run(["ip", "netns", "add", name], check=False, capture_output=True).returncode:
        return False
    _ip(f"netns del {name}")
    return True


class PostgreSQL:
    """
    A server with an empty database, used as a context manager.

    Args:
        host: the address where it listens.
        prefix: a command that runs the server's own commands, such as one of a network namespace.
        settings: of postgresql.conf.
    """

    def __init__(
        self, host: str = "127.0.0.1", prefix: tuple[str, ...] = (), **settings: object
    ) -> None:
        self.host, self.port = host, free_port()
        self.url = f"postgres://postgres@{host}:{self.port}/postgres"
        self._settings = settings
        self._prefix = prefix
        if os.geteuid() == 0:  # which PostgreSQL refuses to run as
            self._prefix = (*prefix, "runuser", "-u", "postgres", "--")

    def __enter__(self) -> Self:
        self.folder = Path(tempfile.mkdtemp(prefix="chatstore-postgresql-"))
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres", "postgres")
        try:
            self._run("initdb", "--auth=trust", "--username=postgres", "--no-sync", "-E", "UTF8")
            settings = {
                "listen_addresses": self.host,
                "port": self.port,
                "unix_socket_directories": self.folder,
                "fsync": "off",  # the machine does not crash, only the server
                **self._settings,
            }
            with (self.folder / "data" / "postgresql.conf").open("a") as file:
                file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
            with (self.folder / "data" / "pg_hba.conf").open("a") as file:
                file.write("host all all 0.0.0.0/0 trust\n")
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        try:
            if (self.folder / "data" / "postmaster.pid").exists():
                self.stop("immediate")
        finally:
            shutil.rmtree(self.folder)

    def start(self) -> None:
        """Start it, and return when it takes connections."""
        self._run("pg_ctl", "--wait", f"--log={self.folder / 'log'}", "start")

    def stop(self, mode: str = "fast") -> None:
        """Stop it: ``fast`` ends the connections, ``immediate`` is a crash."""
        self._run("pg_ctl", "--wait", f"--mode={mode}", "stop")

    def _run(self, program: str, *arguments: str) -> None:
        folder = binaries()
        assert folder, "No PostgreSQL server here: install the package postgresql"
        # The server keeps what it inherits open, so the output is no pipe.
        command = [*self._prefix, str(folder / program), f"--pgdata={self.folder / 'data'}"]
        with tempfile.TemporaryFile() as output:
            done = subprocess.run(
                [*command, *arguments],
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
            )
            output.seek(0)
            assert done.returncode == 0, output.read().decode()


class Namespace:
    """A network namespace of the test's own (needs root and iproute2), a context manager."""

    def __init__(self) -> None:
        self.name = f"chatstore{os.getpid()}"
        # Of its own too: several runs of the tests may share a machine.
        number = os.getpid() % 2**14
        network, first = f"10.231.{number // 64}", number % 64 * 4
        self._ours, self._theirs = f"{network}.{first + 1}", f"{network}.{first + 2}"

    def __enter__(self) -> Self:
        end = f"cs{os.getpid()}"  # of a cable between this namespace and the new one
        _ip(f"netns add {self.name}")
        try:
            _ip(f"link add {end} type veth peer name eth0 netns {self.name}")
            _ip(f"addr add {self._ours}/30 dev {end}")
            _ip(f"link set {end} up")
            for command in (f"addr add {self._theirs}/30 dev eth0", "link set eth0 up"):
                _ip(f"-n {self.name} {command}")
            _ip(f"-n {self.name} link set lo up")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        _ip(f"netns del {self.name}")

    def database(self) -> PostgreSQL:
        return PostgreSQL(self._theirs, ("ip", "netns", "exec", self.name))

    @contextmanager
    def blackhole(self) -> Iterator[None]:
        """Drop every packet that comes out of the namespace, without an error."""
        _ip(f"-n {self.name} route add blackhole {self._ours}/32")
        try:
            yield
        finally:
            _ip(f"-n {self.name} route del blackhole {self._ours}/32")


def _ip(arguments: str) -> None:
    subprocess.run(["ip", *arguments.split()], check=True)

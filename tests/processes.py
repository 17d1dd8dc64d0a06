"""
Runs commands in processes that a test can kill at any moment.

One process imports all modules and opens no connection. It forks a child for each command, so a
command starts without a delay. This module, run with -m, is that process.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).resolve().parent.parent


class Commands:
    """Starts commands on the test's database, several at once; close it at the end."""

    def __init__(self, media: Path) -> None:
        from django.db import connection

        # The name is a file's for SQLite, and not part of a URL for the others.
        environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "tests.other_process",
            "OTHER_DATABASE_NAME": str(connection.settings_dict["NAME"]),
            "OTHER_MEDIA_ROOT": str(media),
            "LOG_LEVEL": "ERROR",
        }
        self.process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "tests.processes"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(self, *command: str, out: str | Path = os.devnull) -> int:
        """Start a command, with its output in a file, and return its process id."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps([command, str(out)]) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def wait(self, pid: int) -> int:
        """Wait for a command, and return its exit code, negative if it was killed."""
        return self.end(pid)[0]

    def kill(self, pid: int) -> int:
        os.kill(pid, signal.SIGKILL)
        return self.wait(pid)

    def peak_memory(self, *command: str) -> int:
        """Run a command, check that it succeeds, and return its peak memory in kB."""
        code, memory = self.end(self.start(*command))
        assert code == 0, command
        return memory

    def end(self, pid: int) -> tuple[int, int]:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps([None, pid]) + "\n")
        self.process.stdin.flush()
        status, memory = json.loads(self.process.stdout.readline())
        return os.waitstatus_to_exitcode(status), memory

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: Any) -> None:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(30)


def _serve() -> None:
    import django

    django.setup()
    from django.core.management import load_command_class

    for line in sys.stdin:
        command, argument = json.loads(line)
        if command is None:
            _pid, status, usage = os.wait4(argument, 0)
            answer = [status, usage.ru_maxrss]
        else:
            answer = pid = os.fork()
            if pid == 0:
                _run(load_command_class("chatstore", command[0]), command, argument)
        print(answer, flush=True)  # noqa: T201 (to the test)


def _run(command: Any, arguments: list[str], out: str) -> None:
    """In the child: run the command, and exit without the parent's clean-up."""
    code = 1
    try:
        sys.stdin = open(os.devnull)  # noqa: SIM115
        sys.stdout = open(out, "w")  # noqa: SIM115
        command.stdout._out = sys.stdout
        # The checks would import every view, in every child.
        command.run_from_argv(["manage.py", *arguments, "--skip-checks"])
        sys.stdout.flush()
        code = 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    except Exception:  # noqa: BLE001 (the exit code says it; this says why)
        traceback.print_exc()
    finally:
        os._exit(code)


if __name__ == "__main__":
    _serve()

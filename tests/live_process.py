"""
A server in a process of its own, forked from one that has imported what takes seconds to import.

That process, of the standard library's "forkserver", imports this module, but nothing that reads
Django's settings: what is forked has settings of its own.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from pathlib import Path

# Only to have been imported before a server is forked.
import agents  # noqa: F401
import chatkit.agents
import chatkit.server  # noqa: F401
import httpx  # noqa: F401
import uvicorn
import uvicorn.lifespan.on
import uvicorn.protocols.http.auto
from django.core import asgi  # noqa: F401
from django.test import signals  # noqa: F401

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload([__name__])


def serve(port: int, env: dict[str, str], log: str, folder: str) -> None:
    """Serve the demo with these environment variables, and write what is said into a file."""
    os.environ.clear()
    os.environ.update(env)
    os.chdir(folder)
    output = Path(log).open("w")  # noqa: SIM115 (until the process ends)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(output.fileno(), stream.fileno())
    uvicorn.run("project.asgi:application", port=port, access_log=False)

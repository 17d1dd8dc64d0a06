"""
Build the wheel, install it into a new environment, and do there what the README says.

The README's code blocks that begin with a file's name make a site of one app; it must migrate,
show its chat to a signed-in user and answer a request. So the README's ten lines are known to
work, and the wheel to hold all they need and nothing else.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NEEDED = [
    "chatstore/py.typed",
    "chatstore/templates/",
    "chatstore/static/",
    "chatstore/migrations/",
]

TRY = """
import asyncio
import importlib.util
import re
from asgiref.testing import ApplicationCommunicator
from django.contrib.auth.models import User
from django.test import Client
from mysite.asgi import application
assert importlib.util.find_spec("project") is None
user = User.objects.create_user("ann")
client = Client(SERVER_NAME="127.0.0.1")
url = "/chat/api/"
body = {"type": "threads.list", "params": {}}
assert client.post(url, body, "application/json").status_code == 401
client.force_login(user)
page = client.get("/chat/")
assert page.status_code == 200, page.status_code
answer = client.post(url, body, "application/json")
assert answer.status_code == 200, answer.content
assert answer.json()["data"] == [], answer.content

async def status(path):
    scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": []}
    asgi = ApplicationCommunicator(application, scope)
    await asgi.send_input({"type": "http.request"})
    return (await asgi.receive_output(timeout=10))["status"]

files = set(re.findall(r'"(/static/[^"]+)"', page.content.decode()))
assert "/static/chatstore/chat.js" in files, files
for path in files:
    assert asyncio.run(status(path)) == 200, path
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wheel = build(folder)
        check_contents(wheel)
        python = install(wheel, folder)
        site = make_site(python, folder)
        for command in (["check"], ["migrate", "--verbosity", "0"], ["shell", "-c", TRY]):
            run(python, "manage.py", *command, cwd=site)
    sys.stdout.write(f"{wheel.name}: installs, migrates and answers as the README says.\n")


def build(folder: Path) -> Path:
    shutil.rmtree(ROOT / "build", ignore_errors=True)  # setuptools would pack what is left there
    run(sys.executable, "-m", "build", "--wheel", "--outdir", folder, ROOT)
    (wheel,) = folder.glob("*.whl")
    return wheel


def check_contents(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    strangers = {top for top in tops if top != "chatstore" and not top.endswith(".dist-info")}
    if strangers:
        sys.exit(f"The wheel holds more than chatstore: {sorted(strangers)}")
    for needed in NEEDED:
        if not any(name.startswith(needed) for name in names):
            sys.exit(f"The wheel lacks {needed}")


def install(wheel: Path, folder: Path) -> Path:
    venv.create(folder / "env", with_pip=True)
    python = folder / "env" / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", wheel)
    return python


def make_site(python: Path, folder: Path) -> Path:
    site = folder / "site"
    site.mkdir()
    run(python, "-m", "django", "startproject", "mysite", site)
    blocks = re.findall(
        r"```python\n# (mysite/\S+)\n(.*?)```", (ROOT / "README.md").read_text(), re.S
    )
    for path, code in blocks:
        with (site / path).open("a") as file:
            file.write(code)
    if len(blocks) < 4:
        sys.exit("The README has lost its blocks for settings, urls, asgi and the assistant.")
    return site


def run(*command: object, cwd: Path | None = None) -> None:
    done = subprocess.run([str(part) for part in command], cwd=cwd, check=False)
    if done.returncode:
        sys.exit(f"Failed: {' '.join(str(part) for part in command[:4])}")


if __name__ == "__main__":
    main()

"""
Build the source distribution and of that the wheel, check both, install the wheel into a new
environment, and do there what the README says. With ``--keep FOLDER`` they are kept there.

The README's code blocks that begin with a file's name make a site of one app; it must migrate,
show its chat to a signed-in user and answer a request. So the README's ten lines are known to
work, and the wheel to hold all they need and nothing else.

Nothing is installed but the wheel, without extras. In such an environment a second site keeps a
conversation through the store, has one over the endpoint, and shows both in the admin.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import venv
import zipfile
from email.parser import BytesParser
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCALES = ("ar", "de", "es", "fr", "ja", "pt", "zh_Hans")
NEEDED = [
    "chatstore/py.typed",
    "chatstore/templates/",
    "chatstore/static/",
    "chatstore/migrations/",
    *(f"chatstore/locale/{locale}/LC_MESSAGES/django.mo" for locale in LOCALES),
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
assert "/static/chatstore/chat/main.js" in files, files
assert len([path for path in files if "/chat/" in path]) > 20, files
for path in files:
    assert asyncio.run(status(path)) == 200, path
"""

# The site of the README, but with a server that answers without a model, and a database of its own.
BARE = """
import sys

sys.modules["uvicorn"] = None  # openai-chatkit installs it: so at least it can't be imported
from mysite.settings import *

DATABASES["default"]["NAME"] = BASE_DIR / "bare.sqlite3"
ALLOWED_HOSTS = ["testserver"]
CHATSTORE_SERVER = "mysite.echo.Echo"
"""

ECHO = """
from datetime import datetime

from chatkit.types import AssistantMessageContent, AssistantMessageItem, ThreadItemDoneEvent
from chatstore.server import ChatServer


class Echo(ChatServer):
    async def respond(self, thread, input_user_message, context):
        yield ThreadItemDoneEvent(
            item=AssistantMessageItem(
                id=self.store.generate_item_id("message", thread, context),
                thread_id=thread.id,
                created_at=datetime.now(),
                content=[AssistantMessageContent(text="You said: " + str(input_user_message.id))],
            )
        )
"""

TRY_BARE = """
import asyncio
import importlib.util
import json
from chatstore.models import ChatSession
from chatstore.store import DjangoStore
from chatstore.testing import samples
from django.contrib.auth.models import User
from django.test import AsyncClient, Client

for name in ("psycopg", "MySQLdb", "boto3", "botocore", "storages", "whitenoise", "environ"):
    assert importlib.util.find_spec(name) is None, name
try:
    import uvicorn
except ImportError:
    pass
else:
    raise AssertionError("uvicorn is not blocked")

user = User.objects.create_superuser("ann")
context = {"user_id": str(user.pk)}
admin, client = Client(), AsyncClient()
admin.force_login(user)
client.force_login(user)

async def keep():
    store = DjangoStore()
    await store.save_thread(samples.thread("thr_kept", title="Kept by the store"), context)
    items = [samples.user_message("msg_1", "Is it kept?"), samples.answer("msg_2", "It is.")]
    for item in items:
        item.thread_id = "thr_kept"
        await store.add_thread_item("thr_kept", item, context)
    page = await store.load_thread_items("thr_kept", None, 10, "asc", context)
    assert page.data == items, page

async def send(kind, **params):
    body = json.dumps({"type": kind, "params": params})
    response = await client.post("/chat/api/", body, content_type="application/json")
    assert response.status_code == 200, response
    if not response.streaming:
        return response.json()
    return b"".join([part async for part in response.streaming_content]).decode()

async def chat():
    text = {"type": "input_text", "text": "Hello from outside"}
    message = {"content": [text], "attachments": [], "inference_options": {}}
    events = await send("threads.create", input=message)
    assert "You said: " in events, events
    threads = await send("threads.list")
    assert len(threads["data"]) == 2, threads
    items = await send("items.list", thread_id=threads["data"][0]["id"], order="asc")
    types = [item["type"] for item in items["data"]]
    assert types == ["user_message", "assistant_message"], types

asyncio.run(keep())
asyncio.run(chat())
pages = "/admin/chatstore/chatsession/"
response = admin.get(pages)
assert response.status_code == 200, response
assert "Kept by the store" in response.content.decode()
for thread in ChatSession.objects.all():
    for page in ("change/", "transcript/"):
        response = admin.get(f"{pages}{thread.pk}/{page}")
        assert response.status_code == 200, response
    text = "Is it kept?" if thread.thread_id == "thr_kept" else "Hello from outside"
    assert text in response.content.decode(), text
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path, metavar="FOLDER")
    parser.add_argument("--without-trial", action="store_true", help="only build and check")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wheel = build(folder / "dist")
        check_contents(wheel)
        check_metadata(wheel)
        if options.keep:
            shutil.rmtree(options.keep, ignore_errors=True)
            shutil.copytree(folder / "dist", options.keep)
        if options.without_trial:
            return
        python = install(wheel, folder)
        site = make_site(python, folder)
        try_site(python, site, TRY)
        (site / "mysite" / "bare.py").write_text(BARE)
        (site / "mysite" / "echo.py").write_text(ECHO)
        try_site(python, site, TRY_BARE, "--settings=mysite.bare")
    sys.stdout.write(f"{wheel.name}: installs, migrates and answers as the README says,\n")
    sys.stdout.write("and alone keeps conversations and shows them in the admin.\n")


def build(folder: Path) -> Path:
    shutil.rmtree(ROOT / "build", ignore_errors=True)  # setuptools would pack what is left there
    # With setuptools of this environment, which requirements-dev.txt names.
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT)
    (wheel,), (source,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    run(sys.executable, "-m", "twine", "check", "--strict", wheel, source)
    run(sys.executable, "-m", "check_wheel_contents", wheel)
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


def check_metadata(wheel: Path) -> None:
    """The wheel must ask for what pyproject.toml says, drivers and servers in extras only."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (one for one in archive.namelist() if one.endswith(".dist-info/METADATA"))
        metadata = BytesParser().parsebytes(archive.read(name))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = metadata.get_all("Requires-Dist")
    bare = {re.match(r"[\w.-]+", line)[0].lower() for line in asked if "extra ==" not in line}
    wanted = {re.match(r"[\w.-]+", line)[0].lower() for line in project["dependencies"]}
    if bare != wanted:
        sys.exit(f"The wheel asks for {sorted(bare)} instead of {sorted(wanted)}")
    if set(metadata.get_all("Provides-Extra")) != set(project["optional-dependencies"]):
        sys.exit(f"The wheel has the extras {metadata.get_all('Provides-Extra')}")
    sys.stdout.write("".join(f"Requires-Dist: {line}\n" for line in asked))


def install(wheel: Path, folder: Path) -> Path:
    venv.create(folder / "env", with_pip=True)
    python = folder / "env" / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", "--no-compile", wheel)
    return python


def make_site(python: Path, folder: Path) -> Path:
    site = folder / "site"
    site.mkdir()
    run(python, "-m", "django", "startproject", "mysite", site)
    blocks = re.findall(
        r"```python\n# (mysite/[\w.]+)(?:, at the end)?\n(.*?)```",
        (ROOT / "README.md").read_text(),
        re.S,
    )
    for path, code in blocks:
        with (site / path).open("a") as file:
            file.write(code)
    if len(blocks) < 4:
        sys.exit("The README has lost its blocks for settings, urls, asgi and the assistant.")
    return site


def try_site(python: Path, site: Path, code: str, *options: str) -> None:
    for command in (["check"], ["migrate", "--verbosity", "0"], ["shell", "-c", code]):
        run(python, "manage.py", *command, *options, cwd=site)


def run(*command: object, cwd: Path | None = None) -> None:
    done = subprocess.run([str(part) for part in command], cwd=cwd, check=False)
    if done.returncode:
        sys.exit(f"Failed: {' '.join(str(part) for part in command[:4])}")


if __name__ == "__main__":
    main()

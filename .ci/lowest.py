"""Print constraints for pip: the lowest version of each thing that pyproject.toml names."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
for requirement in sum(project["optional-dependencies"].values(), project["dependencies"]):
    name, version = re.match(r"([\w.-]+)(?:\[.*\])?>=([\w.]+)", requirement).groups()
    sys.stdout.write(f"{name}=={version}\n")

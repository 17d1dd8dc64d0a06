"""
The blocks of code in README.md and docs/, and the project that those of Python are run in.

A comment above a block tells what its text can't: `<!-- not run: why -->`, or
`<!-- run by … -->` with the file of a test that does more with it than to run it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).resolve().parent.parent
PAGES = [*sorted(ROOT.glob("[A-Z]*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
NOTE = re.compile(r"<!-- (not run: .+|run by tests/test_\w+\.py) -->\s*$")
FILE = re.compile(r"# (?P<path>\S+\.py)(?P<is_added>, at the end)?\s*(?:#.*)?$", re.M)
WAITS = (ast.Await, ast.AsyncFor, ast.AsyncWith, ast.Yield)
PARAMETERS = {"self", "thread", "context"}
OWN_SCOPE = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


@dataclass(frozen=True)
class Block:
    """A block of code: where it is, its language, its text and the comment above it."""

    page: Path
    line: int
    language: str
    code: str
    note: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def reason(self) -> str:
        """Why it is not run; empty if it is."""
        return self.note.removeprefix("not run: ") if self.note.startswith("not run: ") else ""

    @property
    def test(self) -> str:
        """The test that runs it, if it is not tests/test_examples.py."""
        return self.note.removeprefix("run by ") if self.note.startswith("run by ") else ""

    @property
    def file(self) -> str:
        """The file that it is, by its first line: `# mysite/urls.py`; empty if it is none."""
        found = FILE.match(self.code)
        return found["path"] if found else ""

    @property
    def is_added(self) -> bool:
        """Whether it is to be added to a file that `startproject` makes."""
        found = FILE.match(self.code)
        return bool(found and found["is_added"])

    @cached_property
    def tree(self) -> ast.Module:
        return compile(  # a part of a method is allowed too
            self.code, str(self), "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        )

    def defines(self, name: str) -> bool:
        """Tell whether it defines a class of this name."""
        return any(isinstance(one, ast.ClassDef) and one.name == name for one in self.tree.body)

    @property
    def is_settings(self) -> bool:
        """Whether it sets nothing but settings."""
        return self.file.endswith("settings.py") or all(map(_sets_settings, self.tree.body))

    @property
    def names_used(self) -> set[str]:
        """The names that it uses and does not make."""
        names = [node for node in _outside_definitions(self.tree) if isinstance(node, ast.Name)]
        made = {node.id for node in names if isinstance(node.ctx, ast.Store)}
        return {node.id for node in names} - made

    @property
    def is_in_respond(self) -> bool:
        """Whether it is a part of respond()."""
        waits = any(isinstance(node, WAITS) for node in _outside_definitions(self.tree))
        return waits or bool(self.names_used & PARAMETERS)


def blocks() -> Iterator[Block]:
    """Yield all blocks of all pages."""
    for page in PAGES:
        note = ""
        for token in MarkdownIt().parse(page.read_text()):
            if token.type in ("fence", "code_block"):
                line = token.map[0] + 1 if token.map else 0
                yield Block(page, line, token.info, token.content, note)
            found = NOTE.match(token.content) if token.type == "html_block" else None
            note = found[1] if found else ""


def _outside_definitions(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, OWN_SCOPE):
            yield child
            yield from _outside_definitions(child)


def _sets_settings(statement: ast.stmt) -> bool:
    match statement:
        case ast.Assign(targets=[target]) | ast.AugAssign(target=target):
            while isinstance(target, ast.Subscript):
                target = target.value
            return isinstance(target, ast.Name) and target.id.isupper()
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=name)))):
            return name.isupper()  # such as MIDDLEWARE.insert(…)
        case ast.Import() | ast.ImportFrom():
            return True
    return False

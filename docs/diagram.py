"""
Draws docs/img/rooms.svg: the packages and modules of chatstore, and which imports which.

The rows are the layers that import-linter checks (pyproject.toml), the lines the imports that the
code has. A line is left out where others lead there too: who imports the server by way of http
needs no line of its own.
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import grimp

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / "docs" / "img" / "rooms.svg"

WIDTH, BOX_HEIGHT, ROW_HEIGHT, GAP, MARGIN = 960, 34, 78, 24, 16
STYLE = """
  text { font: 15px system-ui, sans-serif; text-anchor: middle; fill: #1f2328 }
  rect { fill: #f6f8fa; stroke: #59636e }
  path { fill: none; stroke: #59636e; stroke-opacity: .55 }
  marker path { fill: #59636e; stroke: none }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc }
    rect { fill: #151b23; stroke: #9198a1 }
    path { stroke: #9198a1 }
    marker path { fill: #9198a1 }
  }
"""


def read_layers() -> list[list[str]]:
    """Return the layers from the top down, each with its packages and modules."""
    config = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    [layers] = [each["layers"] for each in config["contracts"] if each["type"] == "layers"]
    return [[name.strip() for name in layer.split("|")] for layer in layers]


def read_imports(names: list[str]) -> dict[str, set[str]]:
    """Return which of these packages and modules each of them imports."""
    graph = grimp.build_graph("chatstore", cache_dir=None)
    for name in names:
        graph.squash_module(f"chatstore.{name}")
    return {
        name: {
            imported.removeprefix("chatstore.")
            for imported in graph.find_modules_directly_imported_by(f"chatstore.{name}")
        }
        & (set(names) - {name})
        for name in names
    }


def reduce(imports: dict[str, set[str]]) -> dict[str, set[str]]:
    """Leave out each import that others lead to."""

    def reached(name: str) -> set[str]:
        return set().union(*({each} | reached(each) for each in imports[name]))

    return {
        name: {each for each in found if not any(each in reached(other) for other in found)}
        for name, found in imports.items()
    }


def draw() -> str:
    """Return the picture."""
    layers = read_layers()
    imports = reduce(read_imports([name for layer in layers for name in layer]))
    boxes = {
        name: box
        for row, layer in enumerate(layers)
        for name, box in zip(layer, place(layer, row), strict=True)
    }
    height = MARGIN * 2 + ROW_HEIGHT * (len(layers) - 1) + BOX_HEIGHT
    lines = [
        line(boxes[name], boxes[imported])
        for name in boxes
        for imported in sorted(imports[name], key=list(boxes).index)
    ]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img"',
            '  aria-label="The packages of chatstore in layers; lines lead to what is imported">',
            f"<style>{STYLE}</style>",
            (
                '<marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" '
                'markerHeight="8" orient="auto"><path d="M0 0L8 4L0 8z"/></marker>'
            ),
            *lines,
            *(shape for name, box in boxes.items() for shape in label(name, box)),
            "</svg>\n",
        ]
    )


def place(layer: list[str], row: int) -> list[tuple[float, float, float]]:
    """Return the left edge, the top and the width of each box of a row, which is centred."""
    widths = [max(80, 10 * len(name) + 24) for name in layer]
    free = WIDTH - 2 * MARGIN - sum(widths)
    # The more boxes, the wider: so that a line between two rows rarely hides behind a third.
    gap = free / (len(layer) + 1) if len(layer) > 1 else GAP
    x = (WIDTH - sum(widths) - gap * (len(widths) - 1)) / 2
    placed = []
    for width in widths:
        placed.append((round(x, 1), float(MARGIN + row * ROW_HEIGHT), float(width)))
        x += width + gap
    return placed


def line(start: tuple[float, float, float], end: tuple[float, float, float]) -> str:
    x1, y1 = start[0] + start[2] / 2, start[1] + BOX_HEIGHT
    x2, y2 = end[0] + end[2] / 2, end[1]
    bend = (y2 - y1) / 2
    return (
        f'<path d="M{x1:.1f} {y1:.1f}C{x1:.1f} {y1 + bend:.1f} {x2:.1f} {y2 - bend:.1f} '
        f'{x2:.1f} {y2:.1f}" marker-end="url(#tip)"/>'
    )


def label(name: str, box: tuple[float, float, float]) -> list[str]:
    x, y, width = box
    return [
        f'<rect x="{x}" y="{y}" width="{width}" height="{BOX_HEIGHT}" rx="6"/>',
        f'<text x="{x + width / 2:.1f}" y="{y + 22}">{name}</text>',
    ]


if __name__ == "__main__":
    FILE.write_text(draw())
    sys.stdout.write(f"{FILE.relative_to(ROOT)}\n")

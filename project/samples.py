"""The texts and widgets of project.chat_commands."""

from __future__ import annotations

from typing import Any

REPLY = """You said: *{words}*

No model is connected to this demo, so that is all I know about it. Type `/help` for what I can \
show: **markdown**, widgets, workflows, sources, questions and more."""

MARKDOWN = """## Checking the chain

A chain is worn when it has grown by **0.75 %**. To find out:

1. Put the chain on the *big* ring.
2. Lay a ruler along it.
3. Measure twelve links, pin to pin:
   - up to 305.5 mm it is fine
   - from 306.5 mm on, replace it

| Wear | Twelve links | What to do |
|:-----|-------------:|:-----------|
| 0 %  | 304.8 mm | ride |
| 0.5 % | 306.3 mm | order a new one |
| 0.75 % | 307.1 mm | change it today |

The same as a function:

```python
def wear(twelve_links: float) -> float:
    \"\"\"Return how much the chain has grown, in per cent.\"\"\"
    return (twelve_links / 304.8 - 1) * 100
```

> Change the cassette with every third chain.

"""

FORMULAS = r"""With \(d\) as the wheel's diameter and \(z\) teeth, one turn of the cranks takes you

\[
s = \pi d \cdot \frac{z_\text{front}}{z_\text{rear}}
\]

and the force in the chain is

$$
F = \begin{cases}
  \dfrac{2M}{d_\text{front}} & \text{while you pedal} \\
  0 & \text{while you coast}
\end{cases}
\qquad
\begin{aligned} M &= F_p \, l \\ &= \sqrt{F_x^2 + F_y^2}\; l \end{aligned}
$$

A new chain is $20 to $40. How the parts hang together:

```mermaid
flowchart LR
    cranks[Cranks] --> chain{Chain}
    chain -->|worn| cassette[Cassette]
    chain -->|new| wheel((Wheel))
    cassette --> wheel
```

```js
const development = (diameter, front, rear) => Math.PI * diameter * (front / rear);
```
"""

SLOW = (
    "A good ride begins slowly: the first kilometres belong to the muscles, the next ones to "
    "the breath, and only then does the road open. So I take my time with this answer, word "
    "by word, until you have heard enough and press the button that stops me. There is a hill "
    "ahead, and behind it another one, and a bakery that opens at seven."
)

SOURCED = (
    "Tyres with a width of 40 mm roll *faster* on gravel than narrow ones at the same pressure. "
    "For a rider of 75 kg, start at **2.6 bar** and let out a little more when it rains."
)

SOURCES: list[dict[str, Any]] = [
    {
        "title": "How wide is fast?",
        "url": "https://example.com/tyres",
        "description": "Rolling resistance of eight tyres on four surfaces.",
        "attribution": "example.com",
    },
    {"title": "Workshop manual", "filename": "manual.pdf", "description": "Page 12"},
]

THOUGHT = "Half of the way is tarmac, so **puncture protection** matters more than grip."


def _action(kind: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, **more}


def _text(value: str, **more: Any) -> dict[str, Any]:
    return {"type": "Text", "value": value, **more}


BIKE: dict[str, Any] = {
    "type": "Card",
    "children": [
        {
            "type": "Row",
            "justify": "between",
            "children": [
                {"type": "Title", "value": "Terra 2"},
                {"type": "Badge", "label": "In stock", "color": "success"},
            ],
        },
        {"type": "Caption", "value": "Gravel bicycle, steel frame, 11 gears"},
        {"type": "Divider"},
        {
            "type": "Row",
            "justify": "between",
            "children": [_text("Price"), _text("1 490 €", weight="semibold")],
        },
        {
            "type": "Row",
            "justify": "between",
            "children": [_text("Weight", color="secondary"), _text("10.4 kg", color="secondary")],
        },
        {
            "type": "Row",
            "children": [
                {
                    "type": "Button",
                    "label": "Reserve",
                    "style": "primary",
                    "iconStart": "check",
                    "onClickAction": _action("reserve", payload={"bike": "terra-2"}),
                },
                {
                    "type": "Button",
                    "label": "Remember",
                    "onClickAction": _action(
                        "remember", payload={"bike": "terra-2"}, streaming=False
                    ),
                },
            ],
        },
    ],
}

FORM: dict[str, Any] = {
    "type": "Card",
    "size": "sm",
    "asForm": True,
    "children": [
        {"type": "Title", "value": "An appointment"},
        {"type": "Label", "value": "Name", "fieldName": "customer.name"},
        {"type": "Input", "name": "customer.name", "required": True, "placeholder": "Ada"},
        {"type": "Label", "value": "Day", "fieldName": "day"},
        {"type": "DatePicker", "name": "day", "defaultValue": "2030-05-04T00:00:00"},
        {"type": "Label", "value": "Kind", "fieldName": "kind"},
        {
            "type": "Select",
            "name": "kind",
            "defaultValue": "service",
            "options": [
                {"value": "service", "label": "Service"},
                {"value": "repair", "label": "Repair"},
            ],
        },
        {
            "type": "RadioGroup",
            "name": "time",
            "ariaLabel": "Time of day",
            "defaultValue": "morning",
            "options": [
                {"value": "morning", "label": "Morning"},
                {"value": "evening", "label": "Evening"},
            ],
        },
        {"type": "Textarea", "name": "note", "placeholder": "What is wrong?"},
        {"type": "Checkbox", "name": "wash", "label": "Wash it too"},
    ],
    "confirm": {"label": "Book", "action": _action("book")},
    "cancel": {"label": "Not now", "action": _action("cancel")},
}

LIST: dict[str, Any] = {
    "type": "ListView",
    "status": {"text": "Three bicycles"},
    "children": [
        {
            "type": "ListViewItem",
            "key": key,
            "onClickAction": _action("choose", payload={"bike": key}),
            "children": [
                {"type": "Icon", "name": "cube"},
                {
                    "type": "Col",
                    "gap": 0,
                    "children": [_text(name, weight="medium"), {"type": "Caption", "value": what}],
                },
            ],
        }
        for key, name, what in (
            ("terra-2", "Terra 2", "Gravel, 1 490 €"),
            ("city-5", "City 5", "With lights and a rack, 890 €"),
            ("alto", "Alto", "Touring, 2 150 €"),
        )
    ],
}

_RIDES = (
    ("January", 9, 0, 4),
    ("February", 7, 1, 5),
    ("March", 12, 3, 11),
    ("April", 14, 6, 18),
    ("May", 15, 9, 26),
    ("June", 11, 12, 31),
)

CHART: dict[str, Any] = {
    "type": "Card",
    "size": "lg",
    "children": [
        {"type": "Title", "value": "Rides a month"},
        {
            "type": "Chart",
            "xAxis": "month",
            "series": [
                {"type": "bar", "dataKey": "town", "label": "In town", "stack": "rides"},
                {"type": "bar", "dataKey": "gravel", "label": "Gravel", "stack": "rides"},
                {"type": "line", "dataKey": "hours", "label": "Hours", "curveType": "monotone"},
            ],
            "data": [
                {"month": month, "town": town, "gravel": gravel, "hours": hours}
                for month, town, gravel, hours in _RIDES
            ],
        },
        {"type": "Title", "size": "sm", "value": "Metres above and below the sea"},
        {
            "type": "Chart",
            "height": 160,
            "xAxis": {"dataKey": "at", "labels": {"0": "Start", "5": "Finish"}},
            "series": [
                {"type": "area", "dataKey": "height", "label": "Height", "curveType": "natural"}
            ],
            "data": [
                {"at": str(at), "height": height}
                for at, height in enumerate((12, 40, 25, -6, -4, 18))
            ],
        },
        {"type": "Hologram", "label": "A component from the future"},
    ],
}


def _row(*values: str, header: bool = False) -> dict[str, Any]:
    cells = [
        {"type": "Table.Cell", "align": "end" if number else "start", "children": [_text(value)]}
        for number, value in enumerate(values)
    ]
    return {"type": "Table.Row", "header": header, "children": cells}


TABLE: dict[str, Any] = {
    "type": "Card",
    "size": "lg",
    "children": [
        {"type": "Title", "value": "In stock"},
        {
            "type": "Table",
            "children": [
                _row("Bicycle", "Weight", "Price", header=True),
                _row("Terra 2", "10.4 kg", "1 490 €"),
                _row("City 5", "14.9 kg", "890 €"),
                _row("Alto", "11.2 kg", "2 150 €"),
            ],
        },
    ],
}

NOTES = """Before a long ride:

- [x] Tyres pumped up[^pressure]
- [x] Chain oiled
- [ ] Lights charged[^law]

The brakes are checked by hand: pull the lever, and it must not touch the handlebar.

[^pressure]: 2.6 bar for a rider of 75 kg, a little less in the rain.
[^law]: In many countries they are asked for from dusk on, see
    the *rules of the road* of yours.
"""

# Padded to a multiple of 8, the step of the command "typing", which so ends with the whole text.
LETTER = "Dear Ada, your *Terra 2* is **ready**. Come by any day until six.".ljust(72)

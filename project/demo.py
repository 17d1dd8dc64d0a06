"""The conversations that seed_demo writes: those of a bicycle shop's customers."""

from __future__ import annotations

from typing import Any

Item = dict[str, Any]


def ask(text: str, **extra: Any) -> Item:
    """Return the JSON of a user's message; these functions leave out id and time."""
    content = [{"type": "input_text", "text": text}]
    return {"type": "user_message", "content": content, "inference_options": {}, **extra}


def answer(text: str, *sources: dict[str, Any]) -> Item:
    annotations = [{"type": "annotation", "source": source} for source in sources]
    return {"type": "assistant_message", "content": [{"text": text, "annotations": annotations}]}


def search(title: str, *queries: str) -> Item:
    task = {"type": "web_search", "title": title, "queries": queries}
    tasks = [{**task, "status_indicator": "complete"}]
    workflow = {"type": "reasoning", "tasks": tasks, "summary": {"duration": 4}}
    return {"type": "workflow", "workflow": workflow}


def card(title: str, *lines: str) -> Item:
    children = [{"type": "Title", "value": title}, *({"type": "Text", "value": x} for x in lines)]
    return {
        "type": "widget",
        "widget": {"type": "Card", "children": children},
        "copy_text": "\n".join([title, *lines]),
    }


RICH: list[tuple[str, list[Item]]] = [
    (
        "Which tyres for gravel and commuting?",
        [
            ask("Which tyres would you take for gravel at weekends and the city on weekdays?"),
            search("Compared tyres in stock", "gravel tyres 40 mm", "puncture protection city"),
            answer(
                "Two of ours do both well:\n\n"
                "| Tyre | Width | Good at |\n|---|---|---|\n"
                "| Terra Mix | 40 mm | **dry gravel**, quiet on tarmac |\n"
                "| City Guard | 38 mm | **punctures**, wet cobbles |\n\n"
                "With more than half of your way on tarmac I would take the *City Guard*.",
                {"type": "url", "title": "Tyres in stock", "url": "https://example.com/tyres"},
            ),
            {"type": "end_of_turn"},
        ],
    ),
    (
        "Order 4711",
        [
            {"type": "hidden_context_item", "content": {"customer": 381, "orders": [4711]}},
            ask("Where is my order?"),
            {
                "type": "client_tool_call",
                "status": "completed",
                "call_id": "call_demo_1",
                "name": "choose_order",
                "arguments": {"orders": [4711]},
                "output": {"order": 4711},
            },
            card("Order 4711", "Chain, 11 speeds", "Left the shop on Tuesday", "Arrives tomorrow"),
            answer("It left us on Tuesday and should be with you tomorrow."),
        ],
    ),
    (
        "Book a service",
        [
            ask("I would like to have my bicycle serviced."),
            {
                "type": "structured_input",
                "status": "answered",
                "inputs": [
                    {
                        "type": "multiple_choice",
                        "id": "kind",
                        "question": "Which service?",
                        "options": [{"value": "Small"}, {"value": "Full"}],
                        "answer": {"values": ["Full"]},
                    },
                    {
                        "type": "freeform",
                        "id": "noise",
                        "question": "Does anything make a noise?",
                        "answer": {"values": ["A click at each turn of the left pedal"]},
                    },
                ],
            },
            answer("Noted: a full service, and we'll look at the **bottom bracket** first."),
            ask("Thank you. How long will it take?"),
            answer("Two days. We'll write when it is ready."),
        ],
    ),
    (
        "Read the gears with a script",
        [
            ask("Can you show me how to work out a gear's development in Python?"),
            answer(
                "The distance of one turn of the cranks:\n\n"
                "```python\nfrom math import pi\n\n\n"
                "def development(chainring: int, sprocket: int, wheel_m: float = 0.7) -> float:\n"
                "    return chainring / sprocket * wheel_m * pi\n```\n\n"
                "`development(46, 16)` is about 6.3 metres."
            ),
            ask("And for a 42?", quoted_text="development(46, 16)"),
            answer("About 5.8 metres."),
        ],
    ),
]

PLAIN: list[tuple[str, str, str]] = [
    ("Opening hours", "When are you open on Saturday?", "From 9 to 14."),
    ("Tyre pressure", "What pressure for 32 mm?", "Some 4.5 bar for 75 kg; less in the wet."),
    ("Child seat", "Does a child seat fit my rack?", "If the rack is rated for 27 kg, yes."),
    (
        "Squeaking brakes",
        "My disc brakes squeak.",
        "Clean the discs with alcohol, then bed them in.",
    ),
    ("Gift voucher", "Do you sell vouchers?", "Yes, of any sum from 10 up, here or by post."),
    ("Chain wear", "When is a chain worn?", "At 0.75 % of stretch. The gauge is free to borrow."),
    (
        "Winter storage",
        "How do I store it for winter?",
        "Dry, tyres full, chain oiled, off the floor.",
    ),
    ("Returning a helmet", "May I return a helmet?", "Unused, within 30 days."),
    ("Trial ride", "Can I try the cargo bicycle?", "Any weekday; bring something to identify you."),
    (
        "Light for the forest",
        "How bright for forest tracks?",
        "600 lumens or more, and a second one.",
    ),
    ("Lost key", "I lost the key of my lock.", "With the key's number we can have one cut."),
    ("Saddle height", "How high should the saddle be?", "Heel on the pedal, leg just straight."),
    ("Trains", "May I take it on the train?", "With a ticket for it, outside rush hour."),
    ("Frozen lock", "My lock froze.", "Warm the key, never the lock; then graphite, not oil."),
    ("Wheel out of true", "My wheel wobbles.", "Bring it in: truing takes twenty minutes."),
    ("Tubeless", "Is tubeless worth it?", "On gravel yes. In the city the mess outweighs it."),
    ("Warranty", "How long is the warranty?", "Five years on frames, two on the rest."),
    ("E-bike range", "How far does one charge go?", "40 to 90 km: hills and wind decide."),
    (
        "Pedal thread",
        "Which way does a left pedal turn?",
        "Its thread is left-handed: clockwise opens.",
    ),
    ("Mudguards", "Mudguards for 28 inches?", "The 45 mm ones fit tyres up to 37 mm."),
    ("Invoice", "Could I have an invoice?", "It's in your inbox."),
    ("Bell", "Is a bell required?", "Here, yes."),
    ("Rental", "Do you rent out bicycles?", "From April to October, by the day."),
    ("Colour of the frame", "Do you paint frames?", "No, but we know who does it well."),
    ("Cargo straps", "Which straps for a crate?", "Two of 25 mm with buckles, not elastic."),
    ("Complaint", "The new chain broke!", "Sorry! Bring both ends; the new one is on us."),
]

CONVERSATIONS = RICH + [(title, [ask(q), answer(a)]) for title, q, a in PLAIN]
# Days since the last message, the newest first: from today to more than a year.
AGES = [round(0.02 + index**1.75, 2) for index in range(len(CONVERSATIONS))]
STATUSES = {
    "Invoice": {"type": "closed", "reason": "Settled. Please begin a new conversation."},
    "Complaint": {"type": "locked", "reason": "A colleague is looking into it."},
}

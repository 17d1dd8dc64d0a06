"""Adapts the events of a model's stream to what chatkit's stream_agent_response accepts."""

from __future__ import annotations

from typing import Any

from openai.types.responses import (
    ResponseContentPartAddedEvent,
    ResponseOutputItemAddedEvent,
    ResponseOutputItemDoneEvent,
    ResponseOutputMessage,
    ResponseOutputText,
    ResponseOutputTextAnnotationAddedEvent,
    ResponseRefusalDeltaEvent,
    ResponseRefusalDoneEvent,
    ResponseTextDeltaEvent,
    ResponseTextDoneEvent,
)
from openai.types.responses.response_output_text import Annotation
from pydantic import BaseModel, TypeAdapter, ValidationError

_annotation_adapter: TypeAdapter[Annotation] = TypeAdapter(Annotation)


def adapt_event(data: Any) -> Any:
    """
    Return an event of the model in a form that chatkit accepts; None if it must be left out.

    A refusal becomes text. Annotations of an unknown kind, or without a field that chatkit needs,
    are left out: chatkit would end the whole answer with an error.
    """
    match data:
        case ResponseOutputTextAnnotationAddedEvent(annotation=annotation):
            # From openai 3.1 on it is of other classes than an annotation of a whole message:
            # chatkit refuses these, but not a dict.
            found = _annotation(annotation)
            return found and data.model_copy(update={"annotation": found})
        case ResponseOutputItemDoneEvent(item=ResponseOutputMessage(status="incomplete")):
            return None  # an answer that had no room for all of it: it is marked as not complete
        case ResponseOutputItemAddedEvent() | ResponseOutputItemDoneEvent() if isinstance(
            data.item, ResponseOutputMessage
        ):
            content = [_without_unknown_annotations(part) for part in data.item.content]
            return data.model_copy(
                update={"item": data.item.model_copy(update={"content": content})}
            )
        case ResponseContentPartAddedEvent(part=part):
            return data.model_copy(update={"part": _without_unknown_annotations(part)})
        case ResponseRefusalDeltaEvent():
            return ResponseTextDeltaEvent.model_construct(
                **{**dict(data), "type": "response.output_text.delta", "logprobs": []}
            )
        case ResponseRefusalDoneEvent(refusal=text):
            return ResponseTextDoneEvent.model_construct(
                **{**dict(data), "type": "response.output_text.done", "logprobs": [], "text": text}
            )
    return data


def _without_unknown_annotations(part: Any) -> Any:
    if not isinstance(part, ResponseOutputText):
        return part
    annotations = [found for one in part.annotations or [] if (found := _annotation(one))]
    return part.model_copy(update={"annotations": annotations})


def _annotation(value: Any) -> dict[str, Any] | None:
    """Return an annotation as a dict; None if chatkit does not know it."""
    found: dict[str, Any] = value.model_dump() if isinstance(value, BaseModel) else value
    try:
        _annotation_adapter.validate_python(found)
    except ValidationError:
        return None
    return found

"""A flagger that asks OpenAI's moderation endpoint, or one that is compatible with it."""

from __future__ import annotations

import openai

from chatstore.moderation.flagging import Flag


class OpenAIModeration:
    """
    For CHATSTORE_FLAGGER. It flags what the endpoint flags, and names the categories.

    The key and the address are those of OpenAI's SDK: OPENAI_API_KEY and OPENAI_BASE_URL in the
    environment. Subclass it for another model, or to flag less.
    """

    model = "omni-moderation-latest"
    timeout = 20.0  # seconds
    max_length = 20_000  # characters of a message that are looked at

    def __init__(self) -> None:
        self.client = openai.OpenAI(timeout=self.timeout, max_retries=1)

    def __call__(self, text: str) -> Flag | None:
        """Return a flag for a text that the endpoint flags, else None."""
        answer = self.client.moderations.create(model=self.model, input=text[: self.max_length])
        categories = sorted(
            name
            for result in answer.results
            if result.flagged
            for name, is_found in result.categories.model_dump(by_alias=True).items()
            if is_found
        )
        if not any(result.flagged for result in answer.results):
            return None
        return Flag("harmful", ", ".join(categories))

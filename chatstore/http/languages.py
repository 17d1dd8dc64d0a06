"""
In which language the page and the endpoint speak: one that their texts are translated into.

Django would mix. Of a page in a language without a catalogue of ours it translates the words that
another app has a translation of, such as “Delete”, and leaves the others as they are.
"""

from __future__ import annotations

from typing import Any

from django.template.response import TemplateResponse
from django.utils.translation import get_language, override, pgettext


def spoken_language() -> str:
    """
    Return the language in which Django gives this app's texts, where another is active.

    Each catalogue names its language, so it does not matter whose it is: this app's, one that the
    site has added, or that of LANGUAGE_CODE, which Django takes for what is not translated.
    """
    catalogue = pgettext("The code of the language that this catalogue is in", "en")
    active = get_language() or catalogue
    return active if f"{active}-".startswith(f"{catalogue}-") else catalogue


class OneLanguageResponse(TemplateResponse):
    """A page that is rendered in the spoken language, and says so."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.headers["Content-Language"] = spoken_language()

    @property
    def rendered_content(self) -> str:
        """The page."""
        with override(spoken_language()):
            return str(super().rendered_content)

"""A tag for the chat page's template."""

from __future__ import annotations

from django import template

register = template.Library()

# In each language, at least one number of each plural form that it has for whole numbers.
_NUMBERS = ("0", "1", "2", "3", "6", "7", "11", "100", "1000000")


@register.simple_tag
def plural_numbers() -> dict[str, int]:
    """
    Return the numbers for which the page has a text with a count, by their digits.

    Its modules know other numbers' plural forms (Intl.PluralRules) but not the texts, and Django
    the reverse: a number takes the text of one of these that has the same form.
    """
    return {digits: int(digits) for digits in _NUMBERS}

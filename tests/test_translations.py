"""The catalogues are complete, agree with the texts, and are compiled; a page has one language."""

from __future__ import annotations

import gettext
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import SimpleTestCase, TestCase
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import override

from chatstore.attachments.words import size_in_words, types_in_words
from chatstore.http.languages import spoken_language
from project.assistant import Assistant

ROOT = Path(__file__).resolve().parent.parent
SOURCES = {"chatstore": ("chatstore",), "project": ("project", "templates")}
LOCALES = ("ar", "de", "es", "fr", "ja", "pt", "zh_Hans")
CATALOGUES = sorted(ROOT.glob("*/locale/*/LC_MESSAGES/django.po"))
PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%[a-z]|\{\w+\}|</?\w+>")
LANGUAGE_KEY = "The code of the language that this catalogue is in\x04en"


def load(compiled: Path) -> Any:
    with compiled.open("rb") as file:
        return gettext.GNUTranslations(file)


def texts_of(compiled: Path) -> dict[Any, str]:
    """Return a catalogue's translations: by text, or by text and number of the plural form."""
    return {key: text for key, text in load(compiled)._catalog.items() if key}


def app_of(catalogue: Path) -> str:
    return catalogue.relative_to(ROOT).parts[0]


class CatalogueTests(SimpleTestCase):
    """A catalogue is a .po, and the .mo beside it, which Django reads and the wheel contains."""

    def test_each_language_is_there_for_the_app_and_for_the_demo(self) -> None:
        there = {(app_of(path), path.parts[-3]) for path in CATALOGUES}
        self.assertEqual(there, {(app, locale) for app in SOURCES for locale in LOCALES})

    def test_each_says_which_language_it_is(self) -> None:
        """spoken_language() asks for it."""
        for path in CATALOGUES:
            if app_of(path) == "chatstore":
                code = texts_of(path.with_suffix(".mo"))[LANGUAGE_KEY]
                self.assertEqual(code, path.parts[-3].replace("_", "-").lower())

    def test_translations_have_the_placeholders_of_the_texts(self) -> None:
        for path in CATALOGUES:
            catalogue = load(path.with_suffix(".mo"))
            forms = [catalogue.plural(number) for number in range(1000)]
            for key, text in texts_of(path.with_suffix(".mo")).items():
                source, form = key if isinstance(key, tuple) else (key, None)
                expected = sorted(PLACEHOLDER.findall(source))
                found = sorted(PLACEHOLDER.findall(text))
                if form is not None and forms.count(form) == 1:
                    # "one day" may do without the number that this form is for.
                    expected = [one for one in expected if one in found]
                self.assertEqual(found, expected, f"{path.parts[-3]}: {source}")

    def test_all_plural_forms_are_there(self) -> None:
        for path in CATALOGUES:
            catalogue = load(path.with_suffix(".mo"))
            forms = {catalogue.plural(number) for number in (*range(1000), 1_000_000)}
            texts = texts_of(path.with_suffix(".mo"))
            for source in {key[0] for key in texts if isinstance(key, tuple)}:
                lacking = {form for form in forms if not texts.get((source, form))}
                self.assertEqual(lacking, set(), f"{path.parts[-3]}: {source}")


@pytest.mark.gettext
class CollectedTests(SimpleTestCase):
    """What `make messages` would change."""

    def test_no_catalogue_lacks_a_text_or_has_an_unsure_one(self) -> None:
        with TemporaryDirectory() as folder:
            for app in SOURCES:
                asked_for = self.collect(app, Path(folder))
                for path in CATALOGUES:
                    if app_of(path) == app:
                        done = self.run_tool("msgcmp", path, asked_for)
                        self.assertEqual(done.returncode, 0, done.stderr)

    def collect(self, app: str, folder: Path) -> Path:
        """Return a template (.pot) of all texts that the code asks for."""
        for source in SOURCES[app]:
            leave_out = shutil.ignore_patterns("locale", "static", "__pycache__")
            shutil.copytree(ROOT / source, folder / app / source, ignore=leave_out)
        locale = folder / app / "locale"
        locale.mkdir()
        done = self.run_tool(
            *(sys.executable, "-m", "django", "makemessages"),
            *("--locale=de", "--keep-pot", "--no-wrap"),
            cwd=locale.parent,
            env={"PATH": os.environ["PATH"]},
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        return locale / "django.pot"

    def test_what_is_compiled_is_what_was_written(self) -> None:
        with TemporaryDirectory() as folder:
            compiled = Path(folder) / "django.mo"
            for path in CATALOGUES:
                done = self.run_tool("msgfmt", "--check", f"--output-file={compiled}", path)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertEqual(texts_of(compiled), texts_of(path.with_suffix(".mo")), path)

    def test_a_site_adds_a_language_by_a_catalogue_of_its_own(self) -> None:
        with TemporaryDirectory() as folder:
            catalogue = Path(folder) / "it/LC_MESSAGES/django.po"
            catalogue.parent.mkdir(parents=True)
            context, text = LANGUAGE_KEY.split("\x04")
            catalogue.write_text(f'msgctxt "{context}"\nmsgid "{text}"\nmsgstr "it"\n')
            self.run_tool("msgfmt", f"--output-file={catalogue.with_suffix('.mo')}", catalogue)
            with self.settings(LOCALE_PATHS=[folder]), override("it"):
                self.assertEqual(spoken_language(), "it")

    @staticmethod
    def run_tool(*command: Any, **options: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, capture_output=True, text=True, check=False, **options)


class OneLanguageTests(TestCase):
    """A language without a catalogue gets another one, whole."""

    def setUp(self) -> None:
        self.client.force_login(User.objects.create_user("alice"))

    def page(self, language: str, name: str = "page", *args: str) -> HttpResponse:
        url = reverse(f"chatstore:{name}", args=args)
        response: Any = self.client.get(url, headers={"accept-language": language})
        return response

    def test_a_page_in_a_language_with_a_catalogue(self) -> None:
        response = self.page("de")
        self.assertContains(response, '<html lang="de" dir="ltr">')
        self.assertContains(response, "Neuer Chat")
        self.assertEqual(response["Content-Language"], "de")

    def test_a_page_in_a_language_without_one_is_english(self) -> None:
        for language in ("it", "he", "zh-hant"):
            response = self.page(language)
            self.assertContains(response, '<html lang="en" dir="ltr">')
            self.assertEqual(response["Content-Language"], "en")
            texts = re.findall(r">([^<>{]*)</button>", response.content.decode())
            self.assertIn("Delete", texts)  # Django has a translation of it
            self.assertIn("Rename", texts)  # and none of this

    def test_so_are_the_options_that_the_server_gives_to_the_page(self) -> None:
        def page_options(self: Assistant, context: Any) -> dict[str, Any]:
            return {"disclaimer": {"text": _("Delete")}}

        with mock.patch.object(Assistant, "page_options", page_options):
            context = self.page("it").context
        self.assertEqual(context["page_options"]["disclaimer"]["text"], "Delete")

    def test_so_are_the_page_of_a_link_and_the_frame_of_diagrams(self) -> None:
        for name, args, status in (("shared", ["x"], 404), ("diagram", [], 200)):
            response = self.page("it", name, *args)
            self.assertContains(response, '<html lang="en"', status_code=status)
            self.assertEqual(response["Content-Language"], "en")

    def test_so_are_refusals(self) -> None:
        file = SimpleUploadedFile("a.txt", b"x" * 5000)
        url = reverse("chatstore:upload")
        said = {}
        with self.settings(CHATSTORE_MAX_UPLOAD_BYTES=2560):
            for language in ("de", "it"):
                file.seek(0)
                headers = {"accept-language": language}
                said[language] = self.client.post(url, {"file": file}, headers=headers).json()
        self.assertEqual(said["it"]["error"], "The file is too large: at most 2.5\xa0KB.")
        self.assertIn("2,5\xa0KB", said["de"]["error"])
        self.assertNotIn("too large", said["de"]["error"])

    def test_a_variant_of_a_language_keeps_its_own_dates(self) -> None:
        for language in ("de-at", "en-gb"):
            with override(language):
                self.assertEqual(spoken_language(), language)

    def test_what_is_not_translated_is_in_the_language_of_the_site(self) -> None:
        # Django forgets what it has loaded when LOCALE_PATHS is set.
        settings_of_site = self.settings(LANGUAGE_CODE="de", LOCALE_PATHS=settings.LOCALE_PATHS)
        with settings_of_site, override("it"):
            self.assertEqual(spoken_language(), "de")
        self.assertEqual(spoken_language(), "en")


class WordsTests(SimpleTestCase):
    """What is allowed is said in a person's words."""

    def test_sizes(self) -> None:
        with override("en"):
            self.assertEqual(size_in_words(20 * 1024 * 1024), "20\xa0MB")
            self.assertEqual(size_in_words(2_000_000), "1.9\xa0MB")
        with override("de"):
            self.assertEqual(size_in_words(1024**3), "1\xa0GB")

    def test_types(self) -> None:
        types = ("image/jpeg", "application/pdf", "text/plain", "text/csv", "x-site/thing")
        with override("en"):
            self.assertEqual(types_in_words(types), "JPG, PDF, text, CSV, THING")

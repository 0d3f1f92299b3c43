"""Every text in every language: nobody meets half a page in a language she does not read.

Fails when somebody adds a Danish text without its translations: extract and
merge again (translations/README.md).
"""

from __future__ import annotations

import re
from collections import Counter
from gettext import c2py
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

import pytest
from babel import Locale
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po

from portal.i18n import LANGUAGES, REVIEWED

ROOT = Path(__file__).parent.parent
TRANSLATED = {code: LANGUAGES[code].locale for code in sorted(LANGUAGES.keys() - {"da"})}
EASY = "da-x-let"
PLACEHOLDER = re.compile(r"%\((\w+)\)s")
BRACKETS = re.compile(r" \([^)]+\)")
"""The Danish word beside its translation, as the family meets it in letters."""
TAG = re.compile(r"</?\w+[^>]*>")
BUTTON_LETTERS = 24
"""A Danish text this short may be a button, a tab or a column head."""
ROOM = 24
"""How many letters longer such a text may be in another language."""
BOTTOM_BAR = (
    "Overblik",
    "Møder",
    "Kontakter",
    "Samtykke",
    "Mere",
    "Familien",
    "Min konto",
    "Hjælp",
)
BOTTOM_BAR_LETTERS = 13
YOUNG_BAR = ("Mine møder", "Mit netværk", "Hvem ser hvad")
"""Words of the young person's bar: two lines, a long word broken at a soft hyphen."""
YOUNG_BAR_LETTERS = 10
LONG = 1.9
"""How many times longer than the Danish a text may be, beyond a few letters."""
SAME = {"Cookies", "BørneTelefonen 116 111"}
ABBREVIATION = re.compile("[A-Z]{2,4}")
"""Texts that may stay as they are in another language; PPR, ICS."""
ENDS = {"؟": "?", "…": "..."}
"""Other scripts' punctuation -> ours."""


@pytest.fixture(scope="module")
def source() -> Catalog:
    """Every text of the program and its templates, as it stands now."""
    found = Catalog(locale="da")
    with (ROOT / "translations" / "babel.cfg").open() as config:
        methods, options = parse_mapping_cfg(config)
    keywords = {"_": None, "gettext": None, "ngettext": (1, 2)}
    methods = [(pattern.removeprefix("portal/"), method) for pattern, method in methods]
    options = {pattern.removeprefix("portal/"): more for pattern, more in options.items()}
    texts = extract_from_dir(ROOT / "portal", methods, options, keywords)
    for _file, _line, text, _comments, context in texts:
        found.add(text, context=context)
    return found


@pytest.fixture(scope="module", params=TRANSLATED)
def code(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def catalogue(code: str) -> Catalog:
    """One language's texts as committed."""
    path = folder(code) / "LC_MESSAGES" / "messages.po"
    return read_po(BytesIO(path.read_bytes()), locale=TRANSLATED[code])


def folder(code: str) -> Path:
    """Babel looks for en_GB in en too; a variant has a folder of its own."""
    return ROOT / "translations" / TRANSLATED[code].partition("_")[0]


def forms(text: str | list[str] | tuple[str, ...]) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text)


def pairs(catalogue: Catalog) -> list[tuple[Message, str]]:
    """Every translated form beside its message."""
    return [(m, form) for m in catalogue if m.id for form in forms(m.string)]


def may_stay(message: Message) -> bool:
    text = forms(message.id)[0]
    return text in SAME or ABBREVIATION.fullmatch(text) is not None


def test_the_source_has_texts(source: Catalog) -> None:
    assert len(source) > 400


def test_every_language_in_the_folder_can_be_chosen() -> None:
    there = {p.parent.parent.name for p in (ROOT / "translations").glob("*/LC_MESSAGES/*.po")}
    assert there == {folder(code).name for code in TRANSLATED}


def test_every_text_is_translated(source: Catalog, catalogue: Catalog) -> None:
    missing = []
    for text in source:
        found = catalogue.get(text.id, text.context) if text.id else text
        if text.id and (found is None or not all(forms(found.string))):
            missing.append(text.id)
    assert not missing


def test_no_translation_is_left_over(source: Catalog, catalogue: Catalog) -> None:
    left = [m.id for m in catalogue if m.id and source.get(m.id, m.context) is None]
    assert not left
    assert not catalogue.obsolete


def test_no_translation_is_a_guess(catalogue: Catalog) -> None:
    assert not catalogue.fuzzy
    assert not [m.id for m in catalogue if m.id and m.fuzzy]


def test_plurals_have_every_form_of_the_language(catalogue: Catalog) -> None:
    for message in catalogue:
        if message.id and message.pluralizable:
            assert len(forms(message.string)) == catalogue.num_plurals, message.id


def test_plurals_go_by_the_language_s_own_rule(code: str, catalogue: Catalog) -> None:
    """As many forms as CLDR has for whole numbers, and the same numbers share one."""
    rule = Locale.parse(LANGUAGES[code].locale).plural_form
    shared = {(rule(n), _plural(catalogue, n)) for n in range(1001)}
    assert len(shared) == len({category for category, _form in shared}) == catalogue.num_plurals


def test_what_is_filled_in_is_the_same(catalogue: Catalog) -> None:
    """A plural form may say its number in a word, nothing else may go missing or be made up."""
    for message, form in pairs(catalogue):
        wanted = {n for text in forms(message.id) for n in PLACEHOLDER.findall(text)}
        may_lack = {"count"} if message.pluralizable else set()
        there = set(PLACEHOLDER.findall(form))
        assert there <= wanted, form
        assert wanted - may_lack <= there, form


def test_numbers_beyond_the_named_ones_are_shown(catalogue: Catalog) -> None:
    """Two may be a word; from three on the number stands in the text."""
    for message in catalogue:
        if message.id and message.pluralizable and "%(count)s" in message.id[1]:
            for count in (3, 11, 43, 102):
                form = message.string[_plural(catalogue, count)]
                assert "%(count)s" in form, (message.id, count)


def _plural(catalogue: Catalog, count: int) -> int:
    return c2py(str(catalogue.plural_expr))(count)


def test_arabic_counts_as_the_number_asks() -> None:
    """From 11 to 99 what is counted stands alone with its ending (اجتماعًا), from 100 without it."""
    path = folder("ar") / "LC_MESSAGES" / "messages.po"
    arabic = read_po(BytesIO(path.read_bytes()), locale="ar")
    for message in arabic:
        if message.id and message.pluralizable:
            many, hundred = (message.string[_plural(arabic, count)] for count in (14, 100))
            assert "\u064b" not in hundred, message.id
            assert many == hundred or "\u064b" in many, message.id


@pytest.mark.parametrize("code", ["ar", "pl", "so", "tr", "uk"])
def test_who_did_something_is_never_the_subject_of_a_bent_verb(code: str) -> None:
    """A line of the log is also about "you": "Siz: ...", never "Siz gördü"."""
    path = folder(code) / "LC_MESSAGES" / "messages.po"
    for message, form in pairs(read_po(BytesIO(path.read_bytes()), locale=code)):
        if "%(who)s " in forms(message.id)[0]:
            assert form.startswith("%(who)s: "), form


def test_a_percent_sign_stands_alone_nowhere(catalogue: Catalog) -> None:
    for _message, form in pairs(catalogue):
        assert "%" not in PLACEHOLDER.sub("", form).replace("%%", ""), form


def test_markup_is_the_same_and_whole(catalogue: Catalog) -> None:
    for message, form in pairs(catalogue):
        assert Counter(TAG.findall(form)) == Counter(TAG.findall(forms(message.id)[-1])), form
        assert "<" not in TAG.sub("", form)
        nesting = Nesting()
        nesting.feed(form)
        assert not nesting.open and not nesting.wrong, form


class Nesting(HTMLParser):
    """Whether tags close in the order they open."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


def test_short_texts_stay_short(catalogue: Catalog) -> None:
    for message, form in pairs(catalogue):
        danish = max(map(len, forms(message.id)))
        if danish <= BUTTON_LETTERS:
            assert len(BRACKETS.sub("", form)) <= danish + ROOM, (message.id, form)


def test_no_text_is_much_longer_than_the_danish(code: str, catalogue: Catalog) -> None:
    """Easy Danish explains, so it may take more room in a paragraph, never on a button."""
    room = LONG * 1.3 if code == EASY else LONG
    for message, form in pairs(catalogue):
        danish = max(map(len, forms(message.id)))
        assert len(BRACKETS.sub("", form)) <= danish * room + ROOM, (message.id, form)


def test_words_of_the_bottom_bar_fit_a_phone(catalogue: Catalog) -> None:
    for word in BOTTOM_BAR:
        found = catalogue.get(word)
        assert found is not None
        assert len(str(found.string)) <= BOTTOM_BAR_LETTERS, found.string


def test_words_of_the_young_person_s_bar_fit_a_phone_in_two_lines(catalogue: Catalog) -> None:
    for word in YOUNG_BAR:
        found = catalogue.get(word)
        assert found is not None
        parts = re.split("[ \u00ad]", str(found.string))
        assert all(len(part) <= YOUNG_BAR_LETTERS for part in parts), parts


def test_sentences_end_as_in_danish(catalogue: Catalog) -> None:
    for message, form in pairs(catalogue):
        danish = forms(message.id)[-1]
        if danish.endswith((".", "?", ":", "...")):
            assert ENDS.get(form[-1], form[-1]) == danish[-1], (danish, form)


def test_no_spaces_are_lost_or_doubled(catalogue: Catalog) -> None:
    for _message, form in pairs(catalogue):
        assert form == form.strip() and "  " not in form, form


def test_nothing_stays_danish(code: str, catalogue: Catalog) -> None:
    if LANGUAGES[code].tag == "da":
        return
    for message, form in pairs(catalogue):
        words = re.sub(r"[^a-zæøå]", "", PLACEHOLDER.sub("", TAG.sub("", form)).lower())
        if words and not may_stay(message):
            assert form not in forms(message.id), form


@pytest.mark.parametrize(
    ("code", "letters"), [("ar", "[\u0621-\u064a]"), ("uk", "[А-Яа-яІіЇїЄєҐґ]")]
)
def test_another_script_is_written_in_its_letters(code: str, letters: str) -> None:
    path = folder(code) / "LC_MESSAGES" / "messages.po"
    for message, form in pairs(read_po(BytesIO(path.read_bytes()), locale=code)):
        bare = PLACEHOLDER.sub("", TAG.sub("", form))
        if re.search(r"\w", bare) and not may_stay(message):
            assert re.search(letters, bare), form
            names = BRACKETS.sub("", bare).replace("BørneTelefonen", "")
            assert not re.search("[æøåÆØÅ]", names), form


def test_numbers_to_call_are_in_the_translation_too(catalogue: Catalog) -> None:
    for message, form in pairs(catalogue):
        for number in ("112", "116 111"):
            if number in forms(message.id)[-1]:
                assert number in form.replace("\u00a0", " "), form


def test_directions_opened_in_a_text_are_closed_in_it(catalogue: Catalog) -> None:
    for _message, form in pairs(catalogue):
        opened = sum(map(form.count, "\u2066\u2067\u2068"))
        assert opened == form.count("\u2069"), form
        assert not re.search("[\u202a-\u202e]", form), form


def test_every_language_calls_itself_by_its_own_name() -> None:
    assert LANGUAGES["da"].name == "Dansk"
    for language in LANGUAGES.values():
        own = Locale.parse(language.locale).get_language_name(language.tag) or ""
        assert language.name.casefold().split(",")[0] == own.casefold()


def test_only_danish_is_reviewed() -> None:
    """Until a translator has read a language; easy Danish until one who writes it has."""
    assert frozenset({"da"}) == REVIEWED


def test_a_language_s_tag_is_one_that_screen_readers_know() -> None:
    for language in LANGUAGES.values():
        assert re.fullmatch("[a-z]{2}", language.tag)

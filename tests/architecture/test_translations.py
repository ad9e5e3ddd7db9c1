"""Everything that people read exists in French, with the same placeholders."""

import re
from pathlib import Path

import polib
import pytest

from config import messages

FRENCH = messages.LOCALES / "fr" / "LC_MESSAGES" / "django.po"
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w+\}|%%")
# Typographic rule: these signs follow a no-break space (U+00A0 or U+202F) in French.
BARE_SIGN = re.compile(r"[^\s\u00a0\u202f][?!;](?=\s|$)|[\w)»] [?!;:](?=\s|$)")


@pytest.fixture(scope="module")
def french() -> polib.POFile:
    return polib.pofile(str(FRENCH))


def _forms(entry: polib.POEntry) -> list[str]:
    return list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]


def test_every_message_of_the_sources_is_in_the_catalogue(french: polib.POFile) -> None:
    known = {(entry.msgid, entry.msgctxt or "") for entry in french}
    missing = [
        f"{message.text!r} in {places[0]}"
        for message, places in messages.extract().items()
        if (message.text, message.context) not in known
    ]
    assert missing == []


def test_every_entry_is_translated_and_none_is_fuzzy(french: polib.POFile) -> None:
    assert [entry.msgid for entry in french if entry.fuzzy] == []
    assert [entry.msgid for entry in french if not all(map(str.strip, _forms(entry)))] == []


def test_the_catalogue_holds_nothing_that_the_sources_no_longer_say(french: polib.POFile) -> None:
    said = {(message.text, message.context) for message in messages.extract()}
    left = [entry.msgid for entry in french if (entry.msgid, entry.msgctxt or "") not in said]
    assert left == []
    assert french.obsolete_entries() == []


def test_placeholders_survive_translation(french: polib.POFile) -> None:
    changed = []
    for entry in french:
        wanted = set(PLACEHOLDER.findall(entry.msgid)) | set(
            PLACEHOLDER.findall(entry.msgid_plural or "")
        )
        for form in _forms(entry):
            found = set(PLACEHOLDER.findall(form))
            # A singular may say "one" in words; a plural must keep its number.
            if not found <= wanted or (not entry.msgid_plural and found != wanted):
                changed.append(entry.msgid)
    assert changed == []


def test_no_message_is_used_both_alone_and_with_a_plural() -> None:
    extracted = messages.extract()
    alone = {(m.text, m.context) for m in extracted if not m.plural}
    assert [m.text for m in extracted if m.plural and (m.text, m.context) in alone] == []


def test_french_signs_keep_their_space(french: polib.POFile) -> None:
    bare = [form for entry in french for form in _forms(entry) if BARE_SIGN.search(form)]
    assert bare == []


def test_a_message_is_found_where_python_and_templates_say_it(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(
        '{% load i18n %}{% translate "100 % kept" %} {{ _("Here")|upper }}'
        "{% blocktranslate trimmed count n=n %}\n  {{ n }} record\n{% plural %}\n"
        "  {{ n }} records\n{% endblocktranslate %}"
        '{% translate "May" context "month" %}'
    )
    module = tmp_path / "module.py"
    module.write_text('_("One"\n  " text")\nngettext("%d day", "%d days", n)\n_(variable)\n')
    assert set(messages._of_template(page)) == {
        messages.Message("100 %% kept"),
        messages.Message("Here"),
        messages.Message("%(n)s record", "%(n)s records"),
        messages.Message("May", "", "month"),
    }
    assert set(messages._of_python(module)) == {
        messages.Message("One text"),
        messages.Message("%d day", "%d days"),
    }
    module.write_text('_(f"Hello {name}")')
    with pytest.raises(messages.MessageError, match=r"module\.py:1"):
        list(messages._of_python(module))

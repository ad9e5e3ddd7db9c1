"""A RecOps person's export: understood, refused with its place, or held back."""

from collections import Counter
from datetime import UTC, date, datetime

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from apps.connectors.csv_import import reading, tables
from apps.connectors.csv_import.columns import FIELDS, guess, state_of
from apps.connectors.csv_import.reading import Reading
from apps.connectors.port import Dated
from apps.core.errors import Invalid

TODAY = date(2026, 11, 23)
FRENCH = """Identifiant;Prénom;Nom;Adresse e-mail;Téléphone;Poste;Statut;Date de candidature;\
Date de refus;Pays;Vivier
C-1;Ada;Lovélace;ada@example.org;01 99 00 12 34;Ingénieure;Refusé;12/01/2024;31/03/2024;France;oui
C-1;Ada;Lovélace;ada.b@example.org;;Autrice;En cours;2024-05-02;;FR;
C-2;Grace;Hopper;grace@example.org;+33 6 39 98 00 01;;Embauchée;03/02/2023;;;non
"""


def read(text: str | bytes, *, country: str = "") -> Reading:
    data = text.encode() if isinstance(text, str) else text
    return reading.read(data, as_of=TODAY, country=country)


def noon(year: int, month: int, day: int) -> Dated:
    return Dated(datetime(year, month, day, 12, tzinfo=UTC), "exact")


def problems(found: Reading) -> list[tuple[int, str, str]]:
    return [(error.line, error.column, error.code) for error in found.errors]


def test_a_french_export_is_understood_without_being_told() -> None:
    found = read(FRENCH)
    assert found.errors == ()
    ada, grace = found.candidates
    assert (ada.remote_id, ada.first_name, ada.last_name) == ("C-1", "Ada", "Lovélace")
    assert ada.emails == ("ada@example.org", "ada.b@example.org")
    assert ada.talent_pool
    assert not grace.talent_pool
    refused, running = ada.applications
    assert (refused.state, refused.job, refused.country) == ("rejected", "Ingénieure", "FR")
    assert (refused.applied, refused.closed) == (noon(2024, 1, 12), noon(2024, 3, 31))
    assert refused.rejected_notified == Dated(refused.closed.at, "approximate")
    assert (running.state, running.applied, running.closed) == (
        "open",
        noon(2024, 5, 2),
        Dated(),
    )
    assert grace.phones == ("+33 6 39 98 00 01",)
    assert grace.applications[0].hire_started == Dated(), "without a date it is not invented"


def test_an_english_export_is_understood_without_being_told() -> None:
    found = read(
        "Candidate ID,First Name,Last Name,Email,Job Title,Status,Applied At,Rejected At\n"
        '7,Ada,Lovelace,ada@example.org,"Engineer, senior",Rejected,2024-01-12T09:00:00Z,'
        "2024-03-31\n"
    )
    assert found.errors == ()
    (application,) = found.candidates[0].applications
    assert (application.job, application.applied) == ("Engineer, senior", noon(2024, 1, 12))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_the_encodings_of_spreadsheets_are_read_and_named(encoding: str) -> None:
    found = read(FRENCH.encode(encoding))
    assert found.candidates[0].last_name == "Lovélace"
    assert found.table.encoding == encoding.removesuffix("-sig")


@pytest.mark.parametrize("delimiter", [";", ",", "\t", "|"])
def test_the_delimiters_of_spreadsheets_are_found(delimiter: str) -> None:
    lines = ["id", "prénom", "courriel"], ["7", "Ada", "ada@example.org"]
    found = read("\n".join(delimiter.join(line) for line in lines))
    assert found.table.delimiter == delimiter
    assert found.candidates[0].first_name == "Ada"


def test_a_column_can_be_mapped_by_hand() -> None:
    found = reading.read(
        b"Who;When\n7;2024-01-02\n", {"remote_id": "Who", "applied_on": "When"}, as_of=TODAY
    )
    assert found.candidates[0].applications[0].applied == noon(2024, 1, 2)
    assert found.ignored == ()


def test_columns_nobody_maps_are_named_and_not_taken() -> None:
    found = read("id;courriel;Photo\n7;ada@example.org;x.jpg\n")
    assert found.ignored == ("Photo",)
    assert "x.jpg" not in repr(found.candidates)


def test_without_an_id_the_email_tells_people_apart() -> None:
    found = read("courriel;poste\nAda@example.org;A\nada@example.org;B\n")
    (ada,) = found.candidates
    assert (ada.remote_id, len(ada.applications)) == ("ada@example.org", 2)


def test_a_line_about_no_application_is_a_person_alone() -> None:
    (ada,) = read("id;nom;vivier\n7;Lovelace;oui\n").candidates
    assert (ada.applications, ada.talent_pool) == ((), True)


def test_the_country_of_the_connection_stands_in_where_the_file_is_silent() -> None:
    text = "id;statut;pays\n7;refusé;\n8;refusé;Belgique\n"
    found = read(text, country="FR")
    assert [a.country for c in found.candidates for a in c.applications] == ["FR", "BE"]
    assert read(text).candidates[0].applications[0].country is None


def test_reading_a_file_again_gives_the_same_candidates() -> None:
    assert read(FRENCH).candidates == read(FRENCH).candidates


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("12/31/2024", "date_impossible"),
        ("31/02/2024", "date_impossible"),
        ("2024-13-01", "date_impossible"),
        ("31/03/24", "date"),
        ("mars 2024", "date"),
        ("24/11/2026", "date_range"),
        ("01/01/1900", "date_range"),
    ],
)
def test_a_date_that_cannot_be_read_is_refused_with_its_place(cell: str, code: str) -> None:
    found = read(f"id;date de refus\n7;2024-01-02\n8;{cell}\n")
    assert problems(found) == [(3, "date de refus", code)]
    assert [item.remote_id for item in found.candidates] == ["7"]


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ("7;not-an-email;;;;;", ("courriel", "email")),
        ("7;;12;;;;", ("tel", "phone")),
        (f"7;;;{'texte ' * 20};;;", ("statut", "word")),
        ("7;;;;Syldavie;;", ("pays", "country")),
        ("7;;;;;perhaps;", ("vivier", "talent_pool")),
        (";;;refusé;;;", ("id", "csv_nobody")),
        ("7;;;;;;x;y", ("", "csv_cells")),
        ('7;"a"b;;;;;', ("", "csv_quotes")),
    ],
)
def test_what_is_wrong_is_named_by_line_and_column(line: str, place: tuple[str, str]) -> None:
    found = read(f"id;courriel;tel;statut;pays;vivier;note\n{line}\n9;;;;;;\n")
    assert problems(found) == [(2, *place)]
    assert [item.remote_id for item in found.candidates] == ["9"]
    assert str(found.errors[0].message)


def test_a_column_of_names_is_not_taken_for_a_stage() -> None:
    names = "".join(f"{number};Prénom {number}\n" for number in range(101))
    found = read("id;étape\n" + names)
    assert {error.code for error in found.errors} == {"words"}
    assert (len(found.errors), found.candidates) == (101, ())


def test_words_that_may_mean_either_end_are_kept_for_the_mapping_and_not_guessed() -> None:
    for word in ("archivé", "closed", "clôturé", "retenu", "accepted"):
        assert state_of(word) is None
        found = read(f"id;statut;étape;date de clôture\n7;{word};Entretien;2024-01-02\n")
        assert problems(found) == []
        (application,) = found.candidates[0].applications
        assert (application.status, application.stage) == (word, "Entretien")
        assert application.state == "unknown"
        assert application.closed.at == application.rejected_notified.at is not None


def test_an_application_in_process_has_no_closing_date() -> None:
    found = read("id;statut;date de refus\n7;en cours;2024-01-02\n")
    assert problems(found) == [(2, "date de refus", "csv_open_closed")]


def test_an_application_does_not_end_before_it_began() -> None:
    found = read("id;statut;candidature le;date de refus\n7;refusé;2024-01-03;2024-01-02\n")
    assert problems(found) == [(2, "date de refus", "csv_order")]


def test_one_bad_line_holds_back_its_person_and_nobody_else() -> None:
    found = read(
        "id;statut;date de refus\n7;refusé;2020-01-02\n8;refusé;2020-01-02\n7;en cours;bad\n"
    )
    assert [item.remote_id for item in found.candidates] == ["8"]
    assert problems(found) == [(2, "", "csv_held_back"), (4, "date de refus", "date")]


def test_a_line_with_broken_quotes_holds_back_its_person_too() -> None:
    found = read('id;nom\n7;Lovelace\n7;"Love"lace\n8;Hopper\n')
    assert [item.remote_id for item in found.candidates] == ["8"]
    assert [code for _line, _column, code in problems(found)] == ["csv_held_back", "csv_quotes"]


def test_the_same_application_twice_with_other_facts_is_refused() -> None:
    header = "id;id candidature;statut\n"
    assert read(header + "7;a;refusé\n7;a;refusé\n").errors == ()
    found = read(header + "7;a;refusé\n7;a;en cours\n")
    assert problems(found) == [(2, "", "csv_held_back"), (3, "id candidature", "csv_twice")]


def test_lines_are_numbered_as_an_editor_shows_them() -> None:
    found = read('id;nom;pays\n7;"two\nlines";FR\n\n8;Hopper;nonsense\n')
    assert problems(found) == [(5, "pays", "country")]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "csv_empty"),
        (b"\n\n", "csv_headers"),
        (b";;\n7;8;9\n", "csv_headers"),
        (b"PK\x03\x04\x00\x00", "csv_binary"),
        (b"\x81\x8d\x8f\xff", "csv_encoding"),
        (b"nom;prenom\nLovelace;Ada\n", "csv_identity"),
        (b"id;id\n7;8\n", "csv_column"),
        (b'id;nom\n7;"Lovelace\n8;Hopper\n', "csv_quote"),
    ],
)
def test_a_file_that_is_no_table_is_refused_whole(data: bytes, code: str) -> None:
    with pytest.raises(Invalid) as caught:
        read(data)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("mapping", "code"),
    [
        ({"remote_id": "Nothing"}, "csv_column"),
        ({"remote_id": "id", "blood_group": "nom"}, "csv_field"),
        ({"remote_id": "id", "job": "id"}, "csv_column_twice"),
        ({"job": "nom"}, "csv_identity"),
    ],
)
def test_a_mapping_that_does_not_fit_is_refused(mapping: dict[str, str], code: str) -> None:
    with pytest.raises(Invalid) as caught:
        reading.read(b"id;nom\n7;Lovelace\n", mapping, as_of=TODAY)
    assert caught.value.code == code


def test_the_summary_says_what_taking_the_good_lines_would_do() -> None:
    wrong = "nonsense " * 20
    summary = read(FRENCH + f"C-3;;;;;;refusé;;;;\nC-4;;;;;;nonsense;;;;\nC-5;;;;;;{wrong};;;;\n")
    found = summary.summary
    assert (found.lines, found.good_lines, found.bad_lines) == (6, 5, 1)
    assert (found.candidates, found.applications, found.undated) == (4, 5, 1)
    assert found.states == Counter(rejected=2, open=1, hired=1, unknown=1)


def test_the_bad_lines_come_back_as_a_file_that_can_be_corrected_and_read_again() -> None:
    wrong = "nonsense " * 20
    found = read(f"id;nom;tel;statut\n7;=1+1;+33 6 39 98 00 01;{wrong}\n8;Hopper;;refusé\n")
    with translation.override("en"):
        returned = found.bad_lines()
    text = returned.decode("utf-8-sig")
    assert text.splitlines()[0] == "id;nom;tel;statut;To correct"
    assert "'=1+1;'+33 6" in text, "no cell runs as a formula"
    assert "Hopper" not in text
    again = read(returned.replace(wrong.strip().encode(), "refusé".encode()))
    (ada,) = again.candidates
    assert (ada.last_name, ada.phones) == ("=1+1", ("+33 6 39 98 00 01",))
    assert "To correct" in again.ignored


def test_messages_are_written_in_the_readers_language() -> None:
    error = read("id;date de refus\n7;bad\n").errors[0]
    with translation.override("en"):
        assert str(error.message) == "Write the date as 31/03/2024 or 2024-03-31."


def test_no_message_repeats_what_a_cell_holds() -> None:
    found = read("id;courriel;date de refus;pays\n7;ada lovelace;ada lovelace;ada lovelace\n")
    assert len(found.errors) == 3
    assert "lovelace" not in repr([(error.code, str(error.message)) for error in found.errors])


def test_every_field_can_be_found_by_its_own_name() -> None:
    with translation.override("en"):
        labels = [str(label) for label in FIELDS.values()]
        assert set(guess(labels)) == set(FIELDS)


def test_a_large_export_is_read_in_one_go() -> None:
    body = "".join(f"{n};ada{n}@example.org;refusé;2024-01-02\n" for n in range(20_000))
    found = read("id;courriel;statut;date de refus\n" + body)
    assert (len(found.candidates), found.errors) == (20_000, ())


@given(st.lists(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\x00"))))
def test_no_cell_written_runs_as_a_formula_and_each_comes_back(cells: list[str]) -> None:
    for cell in cells:
        written = tables.escaped(cell)
        assert not written.startswith(tables.FORMULA)
        assert tables.unescaped(written) == cell


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        found = read(data)
    except Invalid:
        return
    assert found.summary.good_lines + found.summary.bad_lines == found.summary.lines

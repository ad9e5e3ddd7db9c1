"""What a read-back shows, and that nothing but a clean reading is ever `verified`."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.connectors.port import Capabilities, ErasureField, Scalar, Snapshot
from apps.erasure import states
from apps.erasure.verification import Reading, judge, judge_absence, remains

CAPABILITIES = Capabilities(
    actions=frozenset({"anonymize"}),
    fields=(
        ErasureField(
            "full_name",
            ("candidate.first_name", "candidate.last_name"),
            ("Anonymized", "{remote_id}"),
        ),
        ErasureField("email_addresses", ("candidate.email_addresses.**",)),
        ErasureField("notes", ("notes.*.body",)),
        ErasureField("inmails"),
    ),
    not_personal=("candidate.id", "candidate.created_at", "notes.*.id"),
    confirms_by_event=True,
)
CLEAN: Mapping[str, Scalar] = {
    "candidate.id": 47,
    "candidate.created_at": "2026-01-01",
    "candidate.first_name": "Anonymized",
    "candidate.last_name": "47",
    "candidate.email_addresses.0.value": None,
}
#: A place that may keep its value, whatever it is.
ALLOWED = "candidate.id"
ALL = frozenset({"full_name", "email_addresses", "notes", "inmails"})


def read(leaves: Mapping[str, Scalar], *, unreadable: frozenset[str] = frozenset()) -> Snapshot:
    return Snapshot("47", found=True, leaves={**CLEAN, **leaves}, unreadable=unreadable)


def test_everything_clean_or_confirmed_is_verified() -> None:
    reading = judge(read({}), CAPABILITIES, confirmed={"inmails"})
    assert reading == Reading(
        clean=("full_name", "email_addresses", "notes"), confirmed=("inmails",)
    )
    assert reading.outcome == "verified"


def test_an_allowed_name_of_a_field_does_not_allow_a_name_inside_its_value() -> None:
    allowed = Capabilities(
        actions=frozenset({"anonymize"}),
        fields=CAPABILITIES.fields,
        not_personal=(*CAPABILITIES.not_personal, "candidate.custom_fields.*.name"),
    )
    left = {
        "candidate.custom_fields.referee.name": "Referee",
        "candidate.custom_fields.referee.value.name": "Grace Hopper",
    }
    assert judge(read(left), allowed).residue == ("candidate.custom_fields.referee.value.name",)


def test_a_field_no_read_shows_and_nothing_confirms_is_unverifiable() -> None:
    reading = judge(read({}), CAPABILITIES)
    assert reading.unread == ("inmails",)
    assert reading.outcome == "unverifiable"


def test_a_residue_is_named_and_beats_every_confirmation() -> None:
    left = {"notes.0.body": "call her", "candidate.email_addresses.0.value": "a@example.org"}
    reading = judge(read(left), CAPABILITIES, confirmed=ALL)
    assert reading.residue == ("email_addresses", "notes")
    assert reading.outcome == "residual"


def test_a_value_at_a_place_nobody_declared_is_a_residue() -> None:
    reading = judge(read({"candidate.nickname.2.value": "Ada"}), CAPABILITIES, confirmed=ALL)
    assert reading.residue == ("candidate.nickname.value",)


def test_a_part_that_could_not_be_read_is_never_clean() -> None:
    reading = judge(read({}, unreadable=frozenset({"notes"})), CAPABILITIES, confirmed={"inmails"})
    assert reading.unread == ("notes",)
    assert reading.outcome == "unverifiable"


def test_a_part_nobody_declared_that_could_not_be_read_is_said_too() -> None:
    unreadable = frozenset({"scorecards"})
    reading = judge(read({}, unreadable=unreadable), CAPABILITIES, confirmed={"inmails"})
    assert reading.unread == ("scorecards",)


def test_another_candidates_id_is_no_end_state() -> None:
    reading = judge(read({"candidate.last_name": "48"}), CAPABILITIES, confirmed=ALL)
    assert reading.residue == ("full_name",)


@given(
    leaves=st.dictionaries(
        st.sampled_from(
            ["candidate.first_name", "notes.0.body", "notes.1.body", "custom.x", "candidate.id"]
        ),
        st.sampled_from(["Ada", "", None, False, "Anonymized", "47", 3]),
    ),
    confirmed=st.sets(st.sampled_from(sorted(ALL))),
    unreadable=st.sets(st.sampled_from(["notes", "candidate"])),
)
def test_verified_means_nothing_personal_was_read_and_nothing_is_unknown(
    leaves: dict[str, Scalar], confirmed: set[str], unreadable: set[str]
) -> None:
    after = read(leaves, unreadable=frozenset(unreadable))
    reading = judge(after, CAPABILITIES, confirmed=confirmed)
    if reading.outcome == "verified":
        read_values = {path: value for path, value in after.leaves.items() if path != ALLOWED}
        assert "Ada" not in read_values.values()
        assert set(reading.clean) | set(reading.confirmed) == ALL
        assert not unreadable - {part for part in unreadable if _blind(part) <= confirmed}
    names = [*reading.clean, *reading.residue, *reading.confirmed, *reading.unread]
    assert len(names) == len(set(names))


def _blind(part: str) -> set[str]:
    return {field.name for field in CAPABILITIES.fields if _shows(field, part)}


def _shows(field: ErasureField, part: str) -> bool:
    return any(pattern.startswith(part) for pattern in field.shown_at)


@pytest.mark.parametrize(
    ("existed", "whole", "elsewhere", "still", "outcome"),
    [
        (True, True, False, False, "verified"),
        (False, True, False, False, "unverifiable"),
        (True, False, False, False, "unverifiable"),
        (True, True, True, False, "unverifiable"),
        (True, True, False, True, "residual"),
    ],
)
def test_an_absent_id_proves_nothing_by_itself(
    existed: bool, whole: bool, elsewhere: bool, still: bool, outcome: str
) -> None:
    reading = judge_absence(
        existed=existed, credential_whole=whole, found_elsewhere=elsewhere, still_found=still
    )
    assert reading.outcome == outcome


def test_files_that_outlive_their_candidate_are_a_residue() -> None:
    gone = Snapshot("47", found=False, leaves={"notes.0.body": "call her", "notes.0.id": 3})
    assert remains(gone, CAPABILITIES) == ("notes",)
    reading = judge_absence(
        existed=True,
        credential_whole=True,
        found_elsewhere=False,
        still_found=False,
        left=remains(gone, CAPABILITIES),
    )
    assert (reading.outcome, reading.residue) == ("residual", ("notes",))


def test_an_absence_that_could_not_be_read_whole_is_unverifiable() -> None:
    reading = judge_absence(
        existed=True,
        credential_whole=True,
        found_elsewhere=False,
        still_found=False,
        unreadable=("attachment",),
    )
    assert (reading.outcome, reading.unread) == ("unverifiable", ("attachment",))


def test_an_absent_record_is_not_judged_as_a_present_one() -> None:
    with pytest.raises(ValueError, match="judge_absence"):
        judge(Snapshot("47", found=False), CAPABILITIES)


def test_an_ended_step_never_moves_again() -> None:
    everything = {*states.LIVING, *states.ENDED}
    assert not [one for one in everything if any(states.may(end, one) for end in states.ENDED)]
    assert not states.may("planned", "verified")
    assert not states.may("planned", "sent")

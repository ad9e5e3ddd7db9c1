"""What every fake account has before anybody applies: offices, jobs, sources, staff, fields."""

from collections.abc import Iterator

from .state import Json

_BORN = "2015-01-05T08:00:00.000Z"

OFFICES = {1001: ("Paris", "Paris, France"), 1002: ("Lyon", "Lyon, France")} | {
    1003: ("Nantes", "Nantes, France")
}
JOBS = {
    2001: ("Développeuse ou développeur Python", 1001),
    2002: ("Comptable fournisseurs", 1001),
    2003: ("Responsable paie", 1002),
    2004: ("Chargée ou chargé de recrutement", 1002),
    2005: ("Technicienne ou technicien de maintenance", 1003),
    2006: ("Cheffe ou chef de projet", 1003),
    2007: ("Data analyst", 1001),
    2008: ("Customer success manager", 1001),
    2009: ("Infirmière ou infirmier du travail", 1002),
    2010: ("Conductrice ou conducteur de ligne", 1003),
}
STAGES = ("Application Review", "Preliminary Phone Screen", "Face to Face", "Offer")
SOURCES = {
    3001: ("Jobs page on your website", "Company marketing"),
    3002: ("LinkedIn (Prospecting)", "Prospecting"),
    3003: ("Referral", "Referral"),
    3004: ("APEC", "Third-party boards"),
}
REASONS = {
    5001: ("Profil trop junior", "WE_REJECTED_THEM"),
    5002: ("Autre candidature retenue", "WE_REJECTED_THEM"),
    5003: ("Candidature retirée", "THEY_REJECTED_US"),
}
USERS = {
    4001: ("Inès", "Recruteuse"),
    4002: ("Paul", "Coordinateur"),
    4003: ("Odile", "Manager"),
    4004: ("Site", "Admin"),
}
POOL_TAG = "vivier"
TAGS = {6001: POOL_TAG, 6002: "reconversion", 6003: "anglais courant"}
_CUSTOM_FIELDS = {
    7001: ("candidate", "salary_expectation", "Prétentions salariales", "short_text"),
    7002: ("candidate", "reference_contact", "Référence", "short_text"),
    7003: ("application", "availability", "Disponibilité", "short_text"),
    7004: ("rejection_question", "feedback_given", "Retour fait", "short_text"),
    7005: ("offer", "package", "Rémunération", "short_text"),
}


def stage_id(job_id: int, step: int) -> int:
    return job_id * 10 + step


def _dated(id_: int, **fields: object) -> Json:
    return {"id": id_, "created_at": _BORN, "updated_at": _BORN, **fields}


def _jobs() -> Iterator[tuple[str, Json]]:
    for job_id, (name, office_id) in JOBS.items():
        job = _dated(
            job_id,
            name=name,
            requisition_id=f"REQ-{job_id}",
            notes=None,
            confidential=False,
            status="open",
            opened_at=_BORN,
            closed_at=None,
            is_template=False,
            copied_from_id=None,
            department_id=None,
            office_ids=[office_id],
            custom_fields={},
        )
        yield "job", job
        for step, stage in enumerate(STAGES):
            yield (
                "job_interview_stage",
                _dated(
                    stage_id(job_id, step), job_id=job_id, sort_order=step, name=stage, active=True
                ),
            )


def _staff() -> Iterator[tuple[str, Json]]:
    for id_, (first, last) in USERS.items():
        address = f"staff{id_}@recrutement.example"
        yield (
            "user",
            _dated(
                id_,
                first_name=first,
                last_name=last,
                name=f"{first} {last}",
                primary_email=address,
                emails=[address],
                job_title=last,
                agency_id=None,
                employee_id=f"E{id_}",
                deactivated=False,
                site_admin=id_ == 4004,
                linked_candidate_ids=[],
                office_ids=[],
                department_ids=[],
                interviewer_tags=[],
                custom_fields={},
            ),
        )


def _words() -> Iterator[tuple[str, Json]]:
    for id_, (name, location) in OFFICES.items():
        yield (
            "office",
            _dated(
                id_,
                name=name,
                parent_id=None,
                external_id=None,
                location=location,
                primary_in_house_contact_user_id=None,
            ),
        )
    for id_, (name, kind) in SOURCES.items():
        yield "source", _dated(id_, name=name, type={"id": id_ + 100, "name": kind})
    for id_, (name, key) in REASONS.items():
        sort = {"id": id_ + 100, "key": key, "name": key.replace("_", " ").capitalize()}
        yield "rejection_reason", _dated(id_, name=name, type=sort)
    for id_, name in TAGS.items():
        yield "candidate_tag", _dated(id_, name=name)
    for id_, (owner, key, name, kind) in _CUSTOM_FIELDS.items():
        yield (
            "custom_field",
            _dated(id_, field_type=owner, name_key=key, name=name, value_type=kind, active=True),
        )


def rows() -> Iterator[tuple[str, Json]]:
    yield from _words()
    yield from _jobs()
    yield from _staff()

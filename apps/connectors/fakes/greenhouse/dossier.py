"""All rows about one invented candidate: what lists show, and what only a dump can find.

Nearly every text names the person, as recruiters' texts do: an erasure that forgets one
field leaves a trace that a search finds.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

from . import house, instants
from .people import Person, dice, folded, person
from .portfolio import Case, Path
from .state import Json

Row = tuple[str, Json]

_FIRST_CHILD_ID = 1_000_000_000
#: More ids than one dossier uses; they keep ids unique without a counter over all people.
_CHILDREN_EACH = 64
_JOB_IDS = tuple(house.JOBS)
_SOURCE_IDS = tuple(house.SOURCES)


def _custom(key: str, name: str, value: str) -> Json:
    return {key: {"name": name, "type": "short_text", "value": value}}


@dataclass
class Dossier:
    """Builds the rows of one case; `dice` are the candidate's own."""

    who: Person
    case: Case
    today: date
    dice: random.Random
    thin: bool = False
    _used: int = field(default=0)

    def _id(self) -> int:
        self._used += 1
        return _FIRST_CHILD_ID + self.case.index * _CHILDREN_EACH + self._used

    def _ago(self, days: int) -> str:
        # One in eleven happens late in the evening: in UTC still the day before Paris's.
        hour, minute = divmod(int(self.dice.random() * 660), 60)
        hour, minute = (23, 30) if hour == 10 else (8 + hour, minute)
        return instants.before(self.today, days=days, hour=hour, minute=minute)

    def _day(self, days: int) -> str:
        return instants.day_before(self.today, days)

    def _row(self, kind: str, days: int, **fields: object) -> Row:
        when = self._ago(days)
        return kind, {"id": self._id(), "created_at": when, "updated_at": when, **fields}

    def _mine(self, kind: str, days: int, **fields: object) -> Row:
        return self._row(kind, days, candidate_id=self.case.remote_id, **fields)

    @property
    def _oldest(self) -> int:
        return max(path.applied for path in self.case.paths)

    @property
    def _newest(self) -> int:
        return min(path.applied if path.closed is None else path.closed for path in self.case.paths)

    def rows(self) -> Iterator[Row]:
        yield self._candidate()
        for application_id, path in zip(self.case.application_ids, self.case.paths, strict=True):
            yield from self._application(application_id, path)
        yield from self._tags()
        if not self.thin:
            yield from self._history()
            yield from self._hidden()

    def _candidate(self) -> Row:
        who, last = self.who, self._ago(self._newest)
        # Recruiters open old files: the last activity says nothing about the last contact.
        opened = self._ago(max(0, self._newest - self.dice.randint(0, 90)))
        return "candidate", {
            "id": self.case.remote_id,
            "created_at": self._ago(self._oldest),
            "updated_at": last,
            "first_name": who.given,
            "last_name": who.surname,
            "preferred_name": who.given if self.dice.random() < 0.2 else None,
            "company": who.company,
            "title": who.title,
            "last_activity_at": max(last, opened),
            "private": False,
            "can_email": True,
            "time_zone": "Europe/London" if who.country == "GB" else "Europe/Paris",
            "tags": self._tag_names(),
            "linked_user_ids": [],
            "phone_numbers": [{"value": phone, "type": "mobile"} for phone in who.phones],
            "addresses": [{"value": f"{who.street}\n{who.town}", "type": "home"}],
            "email_addresses": [
                {"value": email, "type": kind}
                for email, kind in zip(who.emails, ("personal", "work"), strict=False)
            ],
            "website_addresses": [{"value": f"https://{who.slug}.example.net", "type": "personal"}],
            "social_media_addresses": [{"value": f"https://social.example.com/in/{who.slug}"}],
            "custom_fields": self._candidate_fields(),
        }

    def _candidate_fields(self) -> Json:
        salary = f"{self.dice.randint(28, 75)} 000 €"
        reference = f"Appeler au sujet de {self.who.full_name} ({self.who.phones[0]})"
        return _custom("salary_expectation", "Prétentions salariales", salary) | _custom(
            "reference_contact", "Référence", reference
        )

    def _tag_names(self) -> list[str]:
        if self.case.in_pool:
            return [house.POOL_TAG]
        return ["anglais courant"] if self.who.country == "GB" else []

    def _tags(self) -> Iterator[Row]:
        ids = {name: id_ for id_, name in house.TAGS.items()}
        for name in self._tag_names():
            yield self._mine("applied_candidate_tag", self._newest, candidate_tag_id=ids[name])

    def _application(self, id_: int, path: Path) -> Iterator[Row]:
        job_id = None if path.prospect else self.dice.choice(_JOB_IDS)
        application = self._application_doc(id_, path, job_id)
        yield "application", application
        if path.prospect:
            yield self._prospect(id_, path)
            return
        if not self.thin:
            yield from self._attachment(id_, path)
            yield from self._interview(id_, path)
        if path.status == "rejected":
            yield from self._rejection(application, path)
        if path.status == "hired" and job_id is not None:
            yield from self._offers(id_, job_id, path)

    def _application_doc(self, id_: int, path: Path, job_id: int | None) -> Json:
        step = 0 if path.prospect else self.dice.randrange(len(house.STAGES))
        closed = path.applied if path.closed is None else path.closed
        last = self._ago(closed)
        return {
            "id": id_,
            "created_at": self._ago(path.applied),
            "updated_at": last,
            "agency_note_id": None,
            "candidate_id": self.case.remote_id,
            "coordinator_id": 4002,
            "job_id": job_id,
            "job_post_id": job_id and job_id + 10_000,
            "recruiter_id": 4001,
            "referrer_id": 4003 if self.dice.random() < 0.1 else None,
            "source_id": 3002 if path.prospect else self.dice.choice(_SOURCE_IDS),
            "stage_id": job_id and house.stage_id(job_id, step),
            "stage_name": house.STAGES[step] if job_id else None,
            "status": path.status,
            "needs_decision": False,
            "prospect": path.prospect,
            "rejected_at": last if path.status == "rejected" and path.closed is not None else None,
            "last_activity_at": last,
            "location_address": self.who.town,
            "answers": self._answers(path),
            "prospective_job_ids": [self.dice.choice(_JOB_IDS)] if path.prospect else [],
            "custom_fields": _custom(
                "availability", "Disponibilité", f"{self.who.given} : préavis de trois mois"
            ),
        }

    def _answers(self, path: Path) -> list[Json]:
        if path.prospect:
            return []
        return [
            {
                "question": "Pourquoi ce poste ?",
                "answer": f"Je m’appelle {self.who.full_name} et je quitte {self.who.company}.",
            },
            {"question": "Comment vous joindre ?", "answer": self.who.phones[0]},
        ]

    def _prospect(self, application_id: int, path: Path) -> Row:
        return self._row(
            "prospect_detail",
            path.applied,
            application_id=application_id,
            pool_id=8001,
            pool_stage_id=8101,
            prospect_owner_id=4001,
            department_id=None,
            office_id=1001,
        )

    def _attachment(self, application_id: int, path: Path) -> Iterator[Row]:
        name = f"CV_{self.who.given}_{self.who.surname}.pdf".replace(" ", "_")
        kind, doc = self._mine(
            "attachment",
            path.applied,
            application_id=application_id,
            type="resume",
            filename=name,
            url="",
        )
        yield kind, doc
        text = "\n".join((self.who.full_name, *self.who.emails, *self.who.phones, self.who.street))
        content = f"%PDF-1.4 (invented)\n{text}\n{self.who.title}, {self.who.company}\n"
        yield "file", doc | {"content": content}

    def _interview(self, application_id: int, path: Path) -> Iterator[Row]:
        if self.dice.random() > 0.4:
            return
        days = max(0, path.applied - 7)
        notes = f"{self.who.given} {self.who.surname} explique bien ses choix."
        private = f"Vérifier le parcours de {self.who.surname} chez {self.who.company}."
        yield self._row(
            "interview",
            days,
            application_id=application_id,
            job_id=None,
            job_interview_id=None,
            starts_at=self._ago(days),
            ends_at=self._ago(days),
            location=f"Visio avec {self.who.full_name}",
            status="complete",
            organizer_id=4002,
        )
        yield self._row(
            "scorecard",
            days,
            application_id=application_id,
            interview_kit_id=9001,
            interviewer_id=4003,
            interviewed_at=self._ago(days),
            notes=notes,
            notes_with_tags=notes,
            submitter_id=4003,
            candidate_rating=self.dice.choice(("no", "yes", "strong_yes")),
            private_notes=private,
            private_notes_with_tags=private,
            status="complete",
            public_notes=None,
            public_notes_with_tags=None,
            submitted_at=self._ago(days),
        )

    def _note(self, days: int, body: str, **fields: object) -> Row:
        note: Json = {
            "application_id": None,
            "body": body,
            "subject": None,
            "type": "NOTE",
            "user_id": 4001,
            "email_from": None,
            "email_to": None,
            "email_cc": [],
            "import_hash": None,
            "body_with_tags": body,
            "visibility": "publicly_visible",
            "email_attachment_file_names": None,
        }
        return self._mine("note", days, **(note | fields))

    def _rejection(self, application: Json, path: Path) -> Iterator[Row]:
        days = path.applied if path.closed is None else path.closed
        text = f"Refus de {self.who.full_name} : prévenu·e par courriel à {self.who.emails[0]}"
        kind, note = self._note(days, text, application_id=application["id"])
        yield kind, note
        yield self._row(
            "rejection_detail",
            days,
            application_id=application["id"],
            rejected_by_id=4001,
            rejection_note_id=note["id"],
            rejection_reason_id=self.dice.choice((5001, 5002)),
            rejected_at=application["rejected_at"],
            question_custom_fields=_custom(
                "feedback_given", "Retour fait", f"Oui, à {self.who.full_name}"
            ),
        )

    def _offers(self, application_id: int, job_id: int, path: Path) -> Iterator[Row]:
        days = path.closed or 0
        starts_on = None if path.starts is None else self._day(path.starts)
        for version, status in ((1, "Deprecated"), (2, "Accepted")):
            yield self._mine(
                "offer",
                days,
                version=version,
                application_id=application_id,
                job_id=job_id,
                opening_id=None,
                status=status,
                starts_on=starts_on,
                sent_on=self._day(days + 3),
                resolved_at=self._ago(days) if version == 2 else None,
                custom_fields=_custom(
                    "package", "Rémunération", f"Promesse à {self.who.full_name}"
                ),
            )

    def _history(self) -> Iterator[Row]:
        days, born = self._oldest, self.today.year - self.dice.randint(25, 55)
        yield self._note(days, f"Premier échange avec {self.who.full_name}, très à l’aise.")
        yield self._mine(
            "education",
            days,
            school_name_custom_field_option_id=None,
            degree_custom_field_option_id=None,
            discipline_custom_field_option_id=None,
            start_at=f"{born + 18}-09-01T00:00:00.000Z",
            end_at=f"{born + 22}-07-01T00:00:00.000Z",
            latest=True,
            start_date_month=9,
            start_date_year=born + 18,
            end_date_month=7,
            end_date_year=born + 22,
        )
        yield self._mine(
            "employment",
            days,
            company_name=self.who.company,
            title=self.who.title,
            start_date=f"{born + 22}-09-01",
            end_date=None,
            latest=True,
        )

    def _hidden(self) -> Iterator[Row]:
        """What no v3 list shows. Everybody has the first three; the unreachable have all."""
        who, days = self.who, self._newest
        headline = f"{who.given} {who.surname}, {who.title}"
        credit = f"Cooptation de {who.surname}"
        yield self._mine("profile", days, headline=headline, credited_to=credit)
        subject = f"Votre candidature, {who.given}"
        yield self._mine("sent_email", days, to=who.emails[0], subject=subject, body=who.full_name)
        yield self._mine("activity_item", days, body=f"{who.full_name} a été ajouté·e")
        for kind, text in self._rarities().items():
            if self.case.kind == "unreachable" or self.dice.random() < 0.1:
                yield self._mine(kind, days, body=text)

    def _rarities(self) -> dict[str, str]:
        who = self.who
        return {
            "innote": f"InNote : {who.full_name}",
            "inmail": f"Bonjour {who.given}, votre profil {folded(who.surname)} nous intéresse",
            "touchpoint": f"Campagne envoyée à {who.emails[-1]}",
            "follow_up_reminder": f"Rappeler {who.surname} au {who.phones[0]}",
            "referral_answer": f"J’ai travaillé avec {who.full_name}",
            "match_score": f"Le parcours de {who.surname} correspond à 82 %",
            "identity_verification": f"Pièce d’identité de {who.full_name} vérifiée",
            "integration": f"ext:{who.slug}:{who.emails[0]}",
        }


def rows(seed: int, case: Case, today: date, *, thin: bool = False) -> Iterator[Row]:
    """The dossier of a case; the same rows for the same arguments."""
    return Dossier(
        person(seed, case.index), case, today, dice(seed, case.index, "dossier"), thin
    ).rows()

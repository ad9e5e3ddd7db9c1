"""The calls of Harvest v3 that change something: anonymize, delete, update, merge.

Each effect is written in one transaction with its journal line and its event, so that what
a test counts is what was done, also when the answer never arrives.
"""

import json
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

from . import erasing, merging, payloads
from .answers import Answer, Refusal, Request, Unprocessable, done
from .catalogue import ANONYMIZABLE, EVENT_SPELLING
from .config import Config
from .faults import Faults
from .hooks import Queue
from .instants import now
from .journal import Journal
from .state import Json, State, dumps

_UPDATABLE = frozenset(
    {
        "first_name",
        "last_name",
        "preferred_name",
        "company",
        "title",
        "can_email",
        "private",
        "time_zone",
        "phone_numbers",
        "addresses",
        "email_addresses",
        "website_addresses",
        "social_media_addresses",
        "tags",
        "custom_fields",
    }
)


def not_found(what: str) -> Refusal:
    return Refusal(404, f"{what} not found.", message="Not Found")


def body_of(request: Request) -> Json:
    try:
        body = json.loads(request.body or b"{}")
    except ValueError:
        raise Unprocessable("The body is not JSON.") from None
    if not isinstance(body, dict):
        raise Unprocessable("The body must be an object.")
    return body


def _fields(request: Request) -> list[str]:
    fields = body_of(request).get("fields")
    if not isinstance(fields, list) or not fields:
        raise Unprocessable({"fields": "must contain at least one field"})
    unknown = [str(field) for field in fields if field not in ANONYMIZABLE]
    if unknown:
        raise Unprocessable({"fields": f"unknown: {', '.join(unknown)}"})
    return erasing.in_order(fields)


@dataclass(frozen=True, slots=True)
class Writes:
    state: State
    config: Config
    faults: Faults
    queue: Queue
    journal: Journal

    def candidate(self, candidate_id: int) -> Json:
        doc = self.state.get("candidate", candidate_id)
        if doc is None:
            raise not_found("Candidate")
        return doc

    def anonymize(self, request: Request, candidate_id: int) -> Answer:
        """Now, answering with the candidate, or later, answering with a message."""
        self.candidate(candidate_id)
        asked = _fields(request)
        real, claimed = self._struck(asked, candidate_id)
        delay = float(self.state.setting("anonymize_delay", self.config.anonymize_delay))
        if delay <= 0:
            self.carry_out(candidate_id, real, claimed, request_id=request.id)
            return done(self.candidate(candidate_id), candidate_id)
        self.state.insert(
            "INSERT INTO delayed (due, candidate_id, fields, claimed, request_id)"
            " VALUES (?,?,?,?,?)",
            (time.time() + delay, candidate_id, dumps(real), dumps(claimed), request.id),
        )
        return done({"message": "Anonymization is being processed."}, candidate_id)

    def _struck(self, asked: list[str], candidate_id: int) -> tuple[list[str], list[str]]:
        """What is really done, and what the event will claim."""
        if fault := self.faults.strike("half_done", (candidate_id,)):
            part = asked[: int(fault.get("keep", math.ceil(len(asked) / 2)))]
            return part, part
        if fault := self.faults.strike("silent_ignore", (candidate_id,)):
            ignored = fault.get("fields", ["email_addresses"])
            rest = [field for field in asked if field not in ignored]
            return rest, asked if fault.get("lie", False) else rest
        return asked, asked

    def carry_out(
        self, candidate_id: int, fields: Sequence[str], claimed: Sequence[str], *, request_id: str
    ) -> None:
        with self.state.transaction():
            self.queue.forget(candidate_id)
            erasing.anonymize(self.state, candidate_id, fields)
            self.journal.took_effect(
                candidate_id, "anonymize", fields=fields, request_id=request_id
            )
            names = [EVENT_SPELLING.get(field, field) for field in claimed]
            self.queue.add(
                "candidate_anonymized",
                {"candidate_id": candidate_id, "anonymized_fields": names},
                candidate_id=candidate_id,
            )

    def carry_out_due(self) -> int:
        """Complete the anonymizations whose time has come; how many."""
        rows = self.state.all("SELECT * FROM delayed WHERE due <= ? ORDER BY n", (time.time(),))
        for row in rows:
            with self.state.transaction():
                self.state.execute("DELETE FROM delayed WHERE n=?", (row["n"],))
                if self.state.get("candidate", row["candidate_id"]) is not None:
                    fields, claimed = json.loads(row["fields"]), json.loads(row["claimed"])
                    self.carry_out(
                        row["candidate_id"], fields, claimed, request_id=row["request_id"]
                    )
        return len(rows)

    def delete_candidate(self, request: Request, candidate_id: int) -> Answer:
        doc = self.candidate(candidate_id)
        with self.state.transaction():
            event = payloads.deletion_body(self.state, doc)
            self.queue.forget(candidate_id)
            erasing.delete_candidate(self.state, candidate_id)
            self.journal.took_effect(candidate_id, "delete", request_id=request.id)
            self.queue.add("delete_candidate", event, candidate_id=candidate_id)
        return done({"message": f"Person {candidate_id} has been deleted."}, candidate_id)

    def delete_application(self, request: Request, application_id: int) -> Answer:
        doc = self.state.get("application", application_id)
        if doc is None:
            raise not_found("Application")
        with self.state.transaction():
            event = payloads.application_deletion_body(self.state, doc)
            erasing.delete_application(self.state, doc)
            self.journal.took_effect(
                doc["candidate_id"], "delete_application", request_id=request.id
            )
            self.queue.add("delete_application", event, candidate_id=doc["candidate_id"])
        message = {"message": f"Application {application_id} deleted successfully"}
        return done(message, doc["candidate_id"])

    def delete_attachment(self, request: Request, attachment_id: int) -> Answer:
        doc = self.state.get("attachment", attachment_id)
        if doc is None:
            raise not_found("Attachment")
        with self.state.transaction():
            self.state.drop("attachment", attachment_id)
            self.state.drop("file", attachment_id)
            self.journal.took_effect(
                doc["candidate_id"], "delete_attachment", request_id=request.id
            )
        message = {"message": f"Attachment {attachment_id} deleted successfully"}
        return done(message, doc["candidate_id"])

    def update_candidate(self, request: Request, candidate_id: int) -> Answer:
        changes = body_of(request)
        unknown = sorted(changes.keys() - _UPDATABLE)
        if unknown:
            raise Unprocessable(*({name: "is not a permitted parameter"} for name in unknown))
        doc = self.change_candidate(candidate_id, changes)
        self.journal.took_effect(
            candidate_id, "update", fields=sorted(changes), request_id=request.id
        )
        return done(doc, candidate_id)

    def change_candidate(self, candidate_id: int, changes: Json) -> Json:
        """Write them and send `update_candidate`; raises Refusal(404)."""
        with self.state.transaction():
            moved = {"updated_at": now(), "last_activity_at": now()}
            doc = self.state.put("candidate", self.candidate(candidate_id) | moved | changes)
            body = {"candidate": payloads.candidate_body(self.state, doc)}
            self.queue.add("update_candidate", body, candidate_id=candidate_id)
        return doc

    def merge(self, request: Request, primary_id: int) -> Answer:
        secondary_id = body_of(request).get("secondary_candidate_id")
        if not isinstance(secondary_id, int):
            raise Unprocessable({"secondary_candidate_id": "must be an integer"})
        primary = self.merge_into(primary_id, secondary_id, request_id=request.id)
        return done(primary, primary_id, secondary_id)

    def merge_into(self, primary_id: int, secondary_id: int, *, request_id: str) -> Json:
        """The primary afterwards. Two events tell of it: the merge and a deletion."""
        with self.state.transaction():
            doc = self.candidate(secondary_id)
            self.queue.forget(secondary_id)
            merged = payloads.merge_body(self.state, doc, primary_id)
            # Its applications live on under the primary: none was deleted with it.
            deleted = {"person": payloads.person_body(self.state, doc)}
            deleted["person"]["deleted_application_ids"] = []
            primary, _ = merging.merge(self.state, primary_id, secondary_id)
            self.journal.took_effect(secondary_id, "merge", request_id=request_id)
            self.queue.add("merge_candidate", merged, candidate_id=secondary_id)
            self.queue.add("delete_candidate", deleted, candidate_id=secondary_id)
        return primary

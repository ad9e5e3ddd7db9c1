"""What Lethe can take from an export, and under which headings people keep it. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from apps.connectors.port import State

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

#: Field → its name for people.
FIELDS: Mapping[str, _StrPromise] = {
    "remote_id": _("Candidate id"),
    "first_name": _("First name"),
    "last_name": _("Last name"),
    "email": _("E-mail"),
    "phone": _("Phone"),
    "collected_on": _("Collected on"),
    "talent_pool": _("Talent pool"),
    "application_id": _("Application id"),
    "job": _("Job"),
    "status": _("State"),
    "stage": _("Stage"),
    "country": _("Country"),
    "applied_on": _("Applied on"),
    "closed_on": _("Closed on"),
    "notified_on": _("Candidate told on"),
    "hired_on": _("Hired from"),
}
#: A file must tell its people apart by at least one of these.
IDENTIFYING = ("remote_id", "email")

_HEADINGS: Mapping[str, str] = {
    "remote_id": "id|candidate id|candidate_id|id candidat|identifiant|identifiant candidat|"
    "numero candidat|candidat id|reference|reference candidat|ref|person id|external id",
    "first_name": "first name|firstname|given name|prenom|forename",
    "last_name": "last name|lastname|surname|family name|nom|nom de famille|nom candidat",
    "email": "email|e mail|mail|email address|e mail address|emails|adresse mail|"
    "adresse e mail|adresse email|adresse electronique|courriel|candidate email",
    "phone": "phone|phone number|telephone|tel|mobile|portable|numero de telephone|"
    "telephone portable|tel mobile|cell",
    "collected_on": "created at|created|created on|date de creation|cree le|date added|"
    "date d ajout|ajoute le|date de collecte|collected on|collecte le",
    "talent_pool": "talent pool|pool|vivier|cvtheque|in talent pool",
    "application_id": "application id|id candidature|candidature id|numero candidature",
    "job": "job|job title|job id|position|poste|offre|intitule du poste|intitule de l offre|"
    "requisition|vacancy|annonce|job name",
    "status": "status|state|statut|etat|statut candidature|application status|"
    "statut de la candidature|resultat|outcome",
    "stage": "stage|etape|phase|current stage|etape actuelle",
    "country": "country|pays|job country|pays du poste|pays de l etablissement",
    "applied_on": "applied on|applied at|application date|date applied|date de candidature|"
    "candidature le|date candidature|postule le|recu le|date de reception|received on",
    "closed_on": "closed on|closed at|rejected on|rejected at|rejection date|date de refus|"
    "date du refus|refuse le|date de rejet|date de cloture|cloture le|cloturee le|closed on|"
    "date de fin|end date|decision date|date de decision",
    "notified_on": "notified on|notified at|candidate told on|date de notification|notifie le|"
    "informe le|date de reponse|reponse envoyee le|rejection sent on",
    "hired_on": "hired on|hire date|start date|hired from|date d embauche|embauche le|"
    "date d entree|date de debut|prise de poste|date de prise de poste|embauche a partir du",
}

# Words that may mean either end of a process (closed, archived, accepted, retenu) are left out:
# a guess here would start a clock that ends in an erasure.
_STATES: Mapping[State, str] = {
    "open": "open|active|in process|in progress|new|pending|ongoing|interview|screening|"
    "shortlisted|en cours|ouvert|ouverte|actif|active|nouveau|nouvelle|en attente|a traiter|"
    "en process|entretien|preselection",
    "rejected": "rejected|refused|declined|disqualified|not selected|refuse|refusee|"
    "rejete|rejetee|non retenu|non retenue|ko|ecarte|ecartee|refus",
    "hired": "hired|offer accepted|placed|embauche|embauchee|recrute|recrutee",
    "withdrawn": "withdrawn|withdrew|candidate withdrew|desiste|desistee|desistement|retire|"
    "retiree|abandon|s est desiste|candidature retiree",
    "converted": "converted|converti|convertie",
}

YES = frozenset({"yes", "y", "true", "1", "x", "oui", "o", "vrai", "vivier", "pool"})
NO = frozenset({"no", "n", "false", "0", "non", "faux", ""})

_NO_WORD = re.compile(r"[^a-z0-9]+")


def folded(text: str) -> str:
    """Lower case, without accents, words separated by one space."""
    plain = unicodedata.normalize("NFKD", text.casefold().replace("œ", "oe"))
    return _NO_WORD.sub(" ", plain.encode("ascii", "ignore").decode()).strip()


_BY_HEADING = {
    folded(heading): field for field, names in _HEADINGS.items() for heading in names.split("|")
}
_BY_WORD: Mapping[str, State] = {
    folded(word): state for state, words in _STATES.items() for word in words.split("|")
}


def guess(headers: Sequence[str]) -> dict[str, str]:
    """Field → header, where a header is known; the first of several wins."""
    mapping: dict[str, str] = {}
    own = {folded(str(label)): field for field, label in FIELDS.items()}
    for header in headers:
        field = _BY_HEADING.get(folded(header)) or own.get(folded(header))
        if field is not None:
            mapping.setdefault(field, header)
    return mapping


def state_of(word: str) -> State | None:
    """The state a word of the export means; None for a word nobody has mapped."""
    return _BY_WORD.get(folded(word))

"""People who were never born: derived from (seed, index), unique by construction.

A search for traces must never hit a namesake, so a surname is four of 24 syllables chosen
by the index: every surname has eight letters (none is part of another), none is a word, and
accents are common, because escaped JSON must be searched too. E-mails hold the surname and
lie under example.org/.net/.com (RFC 2606). Phones come from the numbers set aside for
fiction by Arcep (France: six prefixes of 10,000 numbers) and by Ofcom (United Kingdom:
prefixes of 1,000 numbers); they end at `MAX_PEOPLE` people.

Given names, streets, towns, companies and trades are Faker's, drawn once a seed.
"""

import random
import unicodedata
from dataclasses import dataclass
from functools import cached_property, lru_cache

from faker import Faker

# Two letters each, distinct also without their accents; no French or English word is made
# of four of them.
_SYLLABLES = (
    *("vé", "zo", "kü", "xa", "jè", "wô", "gî", "bû"),
    *("hö", "yé", "çu", "dâ", "fy", "lû", "mô", "pî"),
    *("ry", "së", "tî", "xi", "zê", "vu", "ky", "jo"),
)
_PERMUTATIONS = len(_SYLLABLES) ** 4

#: Arcep, décision 2018-0881: numbers for fiction, the national part without its 0.
_FR_PREFIXES = ("63998", "19900", "26191", "35301", "46571", "53649")
#: Ofcom, "Telephone numbers for use in TV and radio drama": the national part without its 0.
_GB_PREFIXES = (
    *("7700900", "1134960", "1144960", "1154960", "1164960", "1174960", "1184960"),
    *("1214960", "1314960", "1414960", "1514960", "1614960", "1914980", "2079460"),
    "2920180",
)
#: One in four is British, so 15,000 British numbers last for this many people.
MAX_PEOPLE = 60_000


@dataclass(frozen=True, slots=True)
class _Pool:
    """What Faker drew once, for each country."""

    given: tuple[str, ...]
    streets: tuple[str, ...]
    towns: tuple[str, ...]
    companies: tuple[str, ...]
    trades: tuple[str, ...]


@dataclass(frozen=True)
class Person:
    """One invented candidate. `phones` are as written in the ATS, `digits` without country."""

    index: int
    country: str
    given: str
    surname: str
    emails: tuple[str, ...]
    phones: tuple[str, ...]
    street: str
    town: str
    company: str
    title: str

    @property
    def full_name(self) -> str:
        return f"{self.given} {self.surname}"

    @cached_property
    def slug(self) -> str:
        return f"{folded(self.given)}-{folded(self.surname)}"

    @property
    def digits(self) -> tuple[str, ...]:
        """Significant digits: what every way of writing the number ends with."""
        return tuple(_significant(phone) for phone in self.phones)

    @property
    def traces(self) -> tuple[str, ...]:
        """Texts no other person has: search for them, and for `digits` among digits."""
        return (self.surname, folded(self.surname), *self.emails, *self.phones)


def folded(text: str) -> str:
    """Lower case, without accents, letters only: as addresses and file names have it."""
    plain = unicodedata.normalize("NFKD", text.lower())
    return "".join(letter for letter in plain if letter.isascii() and letter.isalpha())


def _significant(phone: str) -> str:
    digits = "".join(letter for letter in phone if letter.isdigit())
    for prefix in ("33", "44", "0"):
        if digits.startswith(prefix):
            return digits.removeprefix(prefix)
    return digits


def dice(seed: int, index: int, purpose: str) -> random.Random:
    """Chance that repeats itself, apart for each purpose."""
    return random.Random(f"{purpose}:{seed}:{index}")  # noqa: S311 - invents people, guards nothing


def surname(seed: int, index: int) -> str:
    """Unique for each index: an affine bijection over all combinations of four syllables."""
    place = (index * 10_007 + seed * 7_919 + 4_242) % _PERMUTATIONS
    letters = []
    for _ in range(4):
        place, syllable = divmod(place, len(_SYLLABLES))
        letters.append(_SYLLABLES[syllable])
    return "".join(letters).capitalize()


def _fr_phone(index: int) -> str:
    prefix, rest = divmod(index, 10_000)
    digits = f"0{_FR_PREFIXES[prefix]}{rest:04d}"
    if index % 2:
        return "+33 " + " ".join((digits[1], *(digits[i : i + 2] for i in range(2, 10, 2))))
    return " ".join(digits[i : i + 2] for i in range(0, 10, 2))


def _gb_phone(index: int) -> str:
    prefix, rest = divmod(index // 4, 1_000)
    digits = f"{_GB_PREFIXES[prefix]}{rest:03d}"
    return f"+44 {digits[:4]} {digits[4:]}" if index % 8 == 3 else f"0{digits[:4]} {digits[4:]}"


@lru_cache(maxsize=8)
def _pool(locale: str, seed: int) -> _Pool:
    faker = Faker(locale)
    faker.seed_instance(seed)
    return _Pool(
        given=tuple(faker.first_name() for _ in range(200)),
        streets=tuple(faker.street_name() for _ in range(200)),
        towns=tuple(f"{faker.postcode()} {faker.city()}" for _ in range(100)),
        companies=tuple(faker.company() for _ in range(100)),
        trades=tuple(faker.job() for _ in range(100)),
    )


def person(seed: int, index: int) -> Person:
    """The same person for the same (seed, index); raises ValueError beyond MAX_PEOPLE."""
    if not 0 <= index < MAX_PEOPLE:
        raise ValueError(f"index must lie between 0 and {MAX_PEOPLE - 1}")
    british = index % 4 == 3
    pool = _pool("en_GB" if british else "fr_FR", seed)
    own = dice(seed, index, "person")
    given, family = own.choice(pool.given), surname(seed, index)
    return Person(
        index=index,
        country="GB" if british else "FR",
        given=given,
        surname=family,
        emails=_emails(given, family, index),
        phones=(_gb_phone(index) if british else _fr_phone(index),),
        street=f"{own.randint(1, 180)} {own.choice(pool.streets)}",
        town=own.choice(pool.towns),
        company=own.choice(pool.companies),
        title=own.choice(pool.trades),
    )


def _emails(given: str, family: str, index: int) -> tuple[str, ...]:
    private = f"{folded(given)}.{folded(family)}@example.{('org', 'net', 'com')[index % 3]}"
    work = f"{folded(family)}@example.{('com', 'org', 'net')[index % 3]}"
    return (private, work) if index % 5 == 0 else (private,)

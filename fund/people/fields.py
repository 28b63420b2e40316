"""What may stand in the fields of a member, a person and an account. Pure: one answer for pages, API and commands."""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from fund.base.errors import Invalid
from fund.people import places
from fund.web import i18n
from fund.web.i18n import gettext as _
from schema.people import MemberKind, Role

T = TypeVar("T")
LONGEST_NAME = 200
LONGEST_LABEL = 100
LONGEST_ADDRESS = 254
"""RFC 5321, 4.5.3.1.3."""
ADDRESS = re.compile(r"[^\s@,;:<>()\[\]\\\"]+@[^\s@,;:<>()\[\]\\\".]+(\.[^\s@,;:<>()\[\]\\\".]+)+")


@dataclass(frozen=True)
class PersonDraft:
    """What is known of a person: ``email``, ``name``, ``roles`` (of schema.people.Role), ids of ``members``."""

    email: str
    name: str
    roles: frozenset[str] = frozenset()
    members: frozenset[int] = frozenset()


@dataclass(frozen=True)
class MemberDraft:
    """What is known of a member. ``country``: its English name. ``zone``: may be empty if the country has just one."""

    name: str
    kind: str
    city: str
    country: str
    zone: str = ""


class Findings:
    """Collects what is wrong, field by field, so that everything is said at once."""

    def __init__(self) -> None:
        self.fields: dict[str, str] = {}

    def read(self, field: str, reader: Callable[[str], T], text: str, otherwise: T) -> T:
        """What ``reader`` makes of ``text``; where it raises ValueError, its words are noted."""
        try:
            return reader(text)
        except ValueError as error:
            self.fields.setdefault(field, str(error))
            return otherwise

    def check(self) -> None:
        """Raise Invalid with all that was noted, if anything was."""
        if self.fields:
            raise Invalid(self.fields)


def mail_address(text: str) -> str:
    """A mail address in lower case. Raises Invalid (field ``email``)."""
    findings = Findings()
    address = findings.read("email", _address, text, "")
    findings.check()
    return address


def checked_person(draft: PersonDraft) -> PersonDraft:
    """``draft`` tidied. Raises Invalid (fields ``email``, ``name``, ``roles``)."""
    findings = Findings()
    name = findings.read("name", _name(_("Enter the name")), draft.name, "")
    email = findings.read("email", _address, draft.email, "")
    if not draft.roles <= set(Role):
        findings.fields["roles"] = _("Choose from the roles listed")
    findings.check()
    return replace(draft, email=email, name=name)


def checked_member(draft: MemberDraft) -> MemberDraft:
    """``draft`` tidied, its zone found. Raises Invalid (fields ``name``, ``kind``, ``city``, ``country``, ``zone``)."""
    findings = Findings()
    name = findings.read("name", _name(_("Enter the name")), draft.name, "")
    kind = findings.read("kind", _kind, draft.kind, "")
    city = findings.read("city", _name(_("Enter the city")), draft.city, "")
    country = findings.read("country", _country, draft.country, "")
    zone = findings.read("zone", lambda text: _zone_in(country, text), draft.zone, "")
    findings.check()
    return MemberDraft(name, kind, city, country, zone)


def checked_account(name: str, locale: str, zone: str) -> tuple[str, str, str]:
    """The three tidied. Raises Invalid (fields ``name``, ``locale``, ``zone``)."""
    findings = Findings()
    tidied = (
        findings.read("name", _name(_("Enter your name")), name, ""),
        findings.read("locale", _locale, locale, ""),
        findings.read("zone", _zone, zone, ""),
    )
    findings.check()
    return tidied


def checked_label(text: str) -> str:
    """What a token is called, tidied. Raises Invalid (field ``label``)."""
    findings = Findings()
    label = findings.read("label", _name(_("Say what the token is for"), LONGEST_LABEL), text, "")
    findings.check()
    return label


def slug(name: str) -> str:
    """``name`` as it stands in an address: ``fundacion-alvaralice``. A name without Latin letters gives ``member``."""
    words = re.findall(r"[a-z0-9]+", places.folded(name))
    return "-".join(words)[:60].strip("-") or "member"


def _address(text: str) -> str:
    address = unicodedata.normalize("NFC", text.strip()).lower()
    if not address:
        raise ValueError(_("Enter an email address"))
    if len(address) > LONGEST_ADDRESS or not address.isprintable() or not ADDRESS.fullmatch(address):
        raise ValueError(_("Enter an email address like name@example.org"))
    return address


def _name(missing: str, limit: int = LONGEST_NAME) -> Callable[[str], str]:
    def read(text: str) -> str:
        name = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
        if not name:
            raise ValueError(missing)
        if len(name) > limit:
            raise ValueError(_("Shorten this to %(limit)s characters") % {"limit": limit})
        return name

    return read


def _kind(text: str) -> str:
    if text not in set(MemberKind):
        raise ValueError(_("Choose what kind of member it is"))
    return text


def _country(text: str) -> str:
    if text not in places.countries():
        raise ValueError(_("Choose the country"))
    return text


def _zone(text: str) -> str:
    if text not in places.zones():
        raise ValueError(_("Choose the time zone"))
    return text


def _zone_in(country: str, text: str) -> str:
    if text or not country:
        return _zone(text) if text else text
    if zone := places.only_zone(country):
        return zone
    raise ValueError(_("Choose the time zone: %(country)s has several") % {"country": country})


def _locale(text: str) -> str:
    if text not in i18n.available():
        raise ValueError(_("Choose a language"))
    return text

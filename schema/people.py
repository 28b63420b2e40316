"""Members of the network, the people who act for them, and how those people sign in."""

from datetime import datetime
from enum import StrEnum
from secrets import token_urlsafe

from sqlmodel import Field, SQLModel


class Role(StrEnum):
    """What a person may be in the whole fund. Applicant is no role: it is belonging to a member."""

    MANAGER = "manager"
    REVIEWER = "reviewer"
    FACILITATOR = "facilitator"
    AUDITOR = "auditor"


class MemberKind(StrEnum):
    """Cities and community-based organisations apply; partners advise and review."""

    CITY = "city"
    ORGANISATION = "organisation"
    PARTNER = "partner"


class Member(SQLModel, table=True):
    """A city, an organisation or a partner that belongs to the network."""

    id: int | None = Field(default=None, primary_key=True)
    slug: str = Field(unique=True)
    name: str
    kind: str = MemberKind.ORGANISATION
    city: str = ""
    country: str = ""
    """Country as people write it, in English ("Belgium")."""
    country_code: str = ""
    """ISO 3166-1 alpha-2; Somaliland has none of its own and is published as SO with the place named."""
    zone: str = "UTC"
    """IANA zone of the place."""
    joined_at: datetime

    @property
    def known_as(self) -> str:
        """The name, with the city where the name does not tell it."""
        return f"{self.name}, {self.city}" if self.city and self.city not in self.name else self.name


class Person(SQLModel, table=True):
    """Somebody who signs in. ``email`` is stored lower-cased and is unique."""

    id: int | None = Field(default=None, primary_key=True)
    email: str = Field(unique=True)
    name: str
    locale: str = "en"
    zone: str = "UTC"
    created_at: datetime
    disabled_at: datetime | None = None
    digest: bool = False
    """Whether what comes on one day comes in one mail."""
    calendar_files: bool = True
    """Whether a mail about a date has a calendar file with it."""
    mail_key: str = Field(default_factory=lambda: token_urlsafe(18), index=True, unique=True)
    """What stands in the links of her mail by which she ends digests and what else need not be sent."""


class DeclinedMail(SQLModel, table=True):
    """A kind of mail that a person chose not to get: a key of ``notifications.kinds.TOPICS``."""

    __tablename__ = "declined_mail"

    person_id: int = Field(foreign_key="person.id", primary_key=True)
    topic: str = Field(primary_key=True)


class PersonRole(SQLModel, table=True):
    """A role that a person has in the whole fund."""

    __tablename__ = "person_role"

    person_id: int = Field(foreign_key="person.id", primary_key=True)
    role: str = Field(primary_key=True, index=True)


class Membership(SQLModel, table=True):
    """A person acts for a member: sees, writes and submits its applications."""

    person_id: int = Field(foreign_key="person.id", primary_key=True)
    member_id: int = Field(foreign_key="member.id", primary_key=True, index=True)
    since: datetime


class SignInCode(SQLModel, table=True):
    """One mailed chance to sign in: a link token and a six-digit code, both stored hashed, for 15 minutes, used once.

    Without a person it is a decoy: what an unknown address gets, so that its answers are those of a known one.
    """

    __tablename__ = "sign_in_code"

    id: int | None = Field(default=None, primary_key=True)
    person_id: int | None = Field(default=None, foreign_key="person.id", index=True)
    token_hash: str = Field(unique=True)
    code_hash: str
    handle_hash: str = Field(unique=True)
    """Hash of the random value that the asking browser keeps, so that a code only works where it was asked for."""
    next_path: str = "/"
    attempts: int = 0
    created_at: datetime
    expires_at: datetime = Field(index=True)
    used_at: datetime | None = None


class Throttle(SQLModel, table=True):
    """How often a key (an address, a network address) tried in the window that began at ``window``."""

    key: str = Field(primary_key=True)
    window: datetime = Field(primary_key=True)
    count: int = 0


class SignInSession(SQLModel, table=True):
    """A browser that is signed in. Only the hash of its token is kept; revocable, one or all."""

    __tablename__ = "sign_in_session"

    id: int | None = Field(default=None, primary_key=True)
    person_id: int = Field(foreign_key="person.id", index=True)
    token_hash: str = Field(unique=True)
    device: str = ""
    created_at: datetime
    seen_at: datetime
    expires_at: datetime = Field(index=True)
    revoked_at: datetime | None = None


class ApiToken(SQLModel, table=True):
    """A bearer token for the JSON API with the rights of its person. Only its hash is kept."""

    __tablename__ = "api_token"

    id: int | None = Field(default=None, primary_key=True)
    person_id: int = Field(foreign_key="person.id", index=True)
    label: str
    token_hash: str = Field(unique=True)
    created_at: datetime
    used_at: datetime | None = None
    revoked_at: datetime | None = None

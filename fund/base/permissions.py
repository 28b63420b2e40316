"""Who is looking, and what may be seen. What may be *done* is the workflow's to say, not this file's."""

from dataclasses import dataclass, field

from schema.people import Role


@dataclass(frozen=True, slots=True)
class Viewer:
    """The person in front of us (or nobody), with what she is in the fund. Frozen for the length of a request."""

    person_id: int | None = None
    name: str = ""
    email: str = ""
    locale: str = ""
    zone: str = ""
    roles: frozenset[str] = frozenset()
    member_ids: frozenset[int] = field(default=frozenset())
    session_id: int | None = None

    @classmethod
    def anonymous(cls) -> "Viewer":
        """Nobody."""
        return cls()

    @property
    def signed_in(self) -> bool:
        """Whether this is somebody."""
        return self.person_id is not None

    @property
    def is_manager(self) -> bool:
        """Whether she manages the fund."""
        return Role.MANAGER in self.roles

    @property
    def is_reviewer(self) -> bool:
        """Whether she may be asked to review."""
        return Role.REVIEWER in self.roles

    @property
    def is_auditor(self) -> bool:
        """Whether she may read everything and change nothing."""
        return Role.AUDITOR in self.roles

    @property
    def reads_everything(self) -> bool:
        """Managers and auditors see every application."""
        return self.is_manager or self.is_auditor

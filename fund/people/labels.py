"""What roles and kinds of members are called on pages."""

from fund.web.i18n import Lazy, lazy
from schema.people import MemberKind, Role

ROLES: dict[str, Lazy] = {
    Role.MANAGER: lazy("Fund manager"),
    Role.REVIEWER: lazy("Reviewer"),
    Role.FACILITATOR: lazy("Facilitator"),
    Role.AUDITOR: lazy("Auditor"),
}
ROLE_HINTS: dict[str, Lazy] = {
    Role.MANAGER: lazy("Runs rounds, decides, changes members and people"),
    Role.REVIEWER: lazy("Can be asked to read and score proposals"),
    Role.FACILITATOR: lazy("Helps members to share what they learn"),
    Role.AUDITOR: lazy("Reads everything and changes nothing"),
}
KINDS: dict[str, Lazy] = {
    MemberKind.CITY: lazy("City"),
    MemberKind.ORGANISATION: lazy("Organisation"),
    MemberKind.PARTNER: lazy("Partner"),
}
KIND_HINTS: dict[str, Lazy] = {
    MemberKind.CITY: lazy("A city government; it can apply"),
    MemberKind.ORGANISATION: lazy("A community-based organisation; it can apply"),
    MemberKind.PARTNER: lazy("Advises and reviews"),
}

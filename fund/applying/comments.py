"""What is said about a proposal by those whom its workflow lets comment. Said once, it stays as it is."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from fund.applying.fields import too_long
from fund.base import access
from fund.base.audience import Audience, left_to
from fund.base.definitions import definition_of
from fund.base.errors import Forbidden, Invalid, NotFound
from fund.base.permissions import Viewer
from fund.base.subjects import id_of
from fund.base.turns import take_turn
from fund.people import throttle
from fund.people.queries import viewer_of_person
from fund.web.i18n import gettext as _
from fund.web.parse import tidy
from notifications import outbox
from schema.applications import Application
from schema.comments import Comment
from schema.people import Person

LONGEST = 5000
"""Characters of a comment."""
PER_HOUR = throttle.Limit("comments", 60, timedelta(hours=1))
PER_DAY = throttle.Limit("comments-day", 300, timedelta(days=1))
"""Of one person, on all proposals: more than anybody writes who reads what was said."""
AUDITOR = "auditor"


@dataclass(frozen=True)
class Conversation:
    """What the viewer may read of what was said, the oldest first, each with who said it.

    ``open_to``: the roles that read what is said now; nothing where the viewer may only read. ``left``: who runs the
    round, for a manager who does not and only reads.
    """

    application: Application
    said: Sequence[tuple[Comment, Person]]
    open_to: frozenset[str]
    left: str = ""


def conversation(session: Session, viewer: Viewer, reference: str) -> Conversation:
    """What was said about the proposal. Raises NotFound for whoever neither reads any of it nor may say anything.

    A comment is read by the roles that could comment when it was said, whatever the state is now, and by auditors.
    """
    application = access.application(session, viewer, reference)
    roles = access.roles_here(session, application, viewer)
    said = [row for row in _all(session, application) if _reads(roles, row[0])]
    open_to = _open_to(session, application)
    if not (said or roles & (open_to | {AUDITOR})):
        raise NotFound
    left = left_to(session, application, viewer)
    speaks = open_to & (roles - {"manager"} if left else roles)
    return Conversation(application, said, open_to if speaks else frozenset(), "" if speaks else left)


def count(session: Session, viewer: Viewer, application: Application) -> int | None:
    """How much of what was said the viewer may read; None where the conversation is not hers at all."""
    try:
        return len(conversation(session, viewer, application.reference).said)
    except NotFound:
        return None


def say(session: Session, viewer: Viewer, reference: str, text: str, now: datetime) -> Comment:
    """Say something about the proposal; managers and those who spoke before are told by mail.

    The same words twice in a row are said once. Raises NotFound as ``conversation`` does, Forbidden where the state
    does not let the viewer comment, Invalid for a text that is empty or too long, TooMany for whoever says too much.
    """
    here = conversation(session, viewer, reference)
    if not here.open_to:
        raise Forbidden(here.left or _("This cannot be commented on now."))
    words = tidy(text)
    if not words:
        raise Invalid({"text": _("Write your comment")})
    if len(words) > LONGEST:
        raise Invalid({"text": too_long(len(words), LONGEST)})
    take_turn(session, f"comments:{reference}")
    for last, _by in _all(session, here.application)[-1:]:
        if (last.person_id, last.text) == (viewer.person_id, words):
            return last
    for limit in (PER_HOUR, PER_DAY):
        throttle.count(session, limit, str(viewer.person_id), now)
    comment = Comment(
        application_id=id_of(here.application),
        person_id=viewer.person_id or 0,
        said_at=now,
        text=words,
        read_by=sorted(here.open_to),
    )
    session.add(comment)
    session.flush()
    _tell(session, here, comment, now)
    return comment


def _open_to(session: Session, application: Application) -> frozenset[str]:
    return definition_of(session, application).state(application.state).comment


def _all(session: Session, application: Application) -> Sequence[tuple[Comment, Person]]:
    return session.exec(
        select(Comment, Person)
        .join(Person, col(Person.id) == col(Comment.person_id))
        .where(Comment.application_id == application.id)
        .order_by(col(Comment.id))
    ).all()


def _reads(roles: Iterable[str], comment: Comment) -> bool:
    return not {AUDITOR, *comment.read_by}.isdisjoint(roles)


def _tell(session: Session, here: Conversation, comment: Comment, now: datetime) -> None:
    """Write to the managers, if they take part, and to whoever spoke before and can read this as well."""
    application = here.application
    people = {by.id: by for _said, by in here.said if by.disabled_at is None}
    told = {key for key, by in people.items() if key and _can_read(session, by, application, comment)}
    if "manager" in here.open_to:
        told |= {one.person_id for one in Audience(session).people_in("manager", application)}
    for person_id in sorted(told - {comment.person_id}):
        outbox.queue(
            session,
            key=f"comment:{comment.id}:{person_id}",
            kind="notice",
            template="commented",
            person_id=person_id,
            subject_kind="application",
            subject_id=application.id,
            application_id=application.id,
            path=f"/applications/{application.reference}/comments",
            now=now,
        )


def _can_read(session: Session, person: Person, application: Application, comment: Comment) -> bool:
    reader = viewer_of_person(session, person)
    roles = access.roles_here(session, application, reader)
    return access.may_read(session, application, reader) and _reads(roles, comment)

"""Which mails need not be sent, and which may wait for the morning: declared here and nowhere else.

What stands in neither table is owed and goes out at once: sign-in, offers, decisions, whatever has a date or words
to answer. Reminders are owed as well; they may share a digest, since they are due in the morning anyway.
"""

from dataclasses import dataclass

from schema.wording import gettext_noop as _n


@dataclass(frozen=True, slots=True)
class Topic:
    """Mail that nobody has to get, as its reader chooses it. Texts are English, to be translated where shown."""

    label: str
    hint: str
    templates: frozenset[str]
    role: str = ""
    """The role in the fund whom it is for; empty means everybody."""


TOPICS = {
    "weekly": Topic(
        _n("Weekly overview"),
        _n("On Monday morning: what became overdue, what still is, what is due this week, what moved."),
        frozenset({"weekly_overview"}),
        "manager",
    ),
    "newsletter": Topic(
        _n("Newsletter"),
        _n("Once a month: new lessons and open rounds."),
        frozenset({"newsletter"}),
    ),
    "lessons": Topic(
        _n("News of published lessons"),
        _n("When a lesson that you wrote is published."),
        frozenset({"lesson_published"}),
    ),
    "progress": Topic(
        _n("News of how proposals end"),
        _n("When a proposal is withdrawn or a project completed, and nothing is left to do."),
        frozenset({"withdrawn", "completed"}),
    ),
    "comments": Topic(
        _n("News of comments"),
        _n("When somebody who looks after a proposal with you writes a comment."),
        frozenset({"commented"}),
    ),
}
TOPIC_OF = {template: key for key, topic in TOPICS.items() for template in topic.templates}
"""The topic of each mail that nobody has to get."""

DIGEST = "digest"
STOPS = {DIGEST: DIGEST, "weekly_overview": "weekly", "newsletter": "newsletter"}
"""The mails that one click in the mail program ends, and what that click ends: digests, or a topic."""

MAY_WAIT = frozenset(
    {
        "closed_without_lesson",
        "commented",
        "completed",
        "concept_to_managers",
        "deadline_waived",
        "lesson_published",
        "lesson_received",
        "membership_requested",
        "offer_accepted",
        "project_started",
        "report_accepted",
        "report_received",
        "review_cancelled",
        "review_declined",
        "reviews_in",
        "round_closed",
        "submitted_to_managers",
        "withdrawn",
    }
)
"""Notices that lose nothing by waiting for the reader's next morning, where she chose digests."""

AT_ONCE = frozenset({"deadline_moved", "weekly_overview"})
"""Notices that wait for nothing, and come in one mail with what is due at the same time, where she chose digests."""


def may_share(kind: str, template: str) -> bool:
    """Whether such a message may go out in a digest."""
    return kind == "reminder" or (kind == "notice" and template in MAY_WAIT | AT_ONCE)

"""What the checker says of what is owed by a date: states in which nobody owes anything, deadlines that are no use."""

from collections import Counter
from collections.abc import Iterator

from workflows.errors import Finding, Level
from workflows.findings import of_deadline, of_state
from workflows.parts import APPLICANT, COLLEAGUE, MANAGER, OWNER, Content, DeadlineRule
from workflows.reasons import Reason, counted


def waiting(content: Content) -> Iterator[Finding]:
    """States in which nobody owes anything by a date."""
    for state in content.states.values():
        if state.final or state.deadlines or state.waits_for:
            continue
        if APPLICANT in state.read:
            yield of_state(state, Reason("the applicant waits here, and nobody owes anything by a date"))
        else:
            yield of_state(state, Reason("nobody owes anything by a date here"), Level.WARNING)
    started = {start.child for move in content.moves.values() for start in move.starts}
    for state in content.states.values():
        for child in state.waits_for:
            if child not in started:
                yield of_state(
                    state, Reason("waits for a %(child)s, and no move starts one", child=child), Level.WARNING
                )


def deadlines(content: Content) -> Iterator[Finding]:
    """Deadlines that never live, that nobody is reminded of, or that their owner can do nothing about."""
    used = {key for state in content.states.values() for key in state.deadlines}
    for rule in content.deadlines.values():
        if rule.key not in used:
            yield of_deadline(rule, Reason("no state opens it"), Level.WARNING)
        if not rule.reminders:
            yield of_deadline(rule, Reason("nobody is reminded of it"), Level.WARNING)
        elif all(reminder.to not in (rule.owner, OWNER) for reminder in rule.reminders):
            yield of_deadline(
                rule,
                Reason("the %(owner)s, who owes it, is not reminded of it", owner=rule.owner),
                Level.WARNING,
            )
        elif not _climbs(content, rule):
            yield of_deadline(rule, Reason("no manager is told when it is overdue"), Level.WARNING)
        for (days, to), times in Counter((one.days, one.to) for one in rule.reminders).items():
            if times > 1:
                message = Reason("the %(to)s is reminded more than once %(when)s", to=to, when=_from_it(days))
                yield of_deadline(rule, message, Level.WARNING)
    able = {
        (source, role) for move in content.moves.values() for source in move.sources for role in move.roles
    }
    for state in content.states.values():
        for key in state.deadlines:
            owner = content.deadlines[key].owner
            if (state.name, owner) not in able:
                yield of_state(
                    state,
                    Reason("the %(owner)s owes %(key)s here and can make no move", owner=owner, key=key),
                    Level.WARNING,
                )


def _from_it(days: int) -> Reason:
    """So many days from the due day, in words."""
    if days < 0:
        return counted("%(count)d day before it", "%(count)d days before it", -days)
    return (
        counted("%(count)d day after it", "%(count)d days after it", days) if days else Reason("on its day")
    )


def _climbs(content: Content, rule: DeadlineRule) -> bool:
    """Whether a manager hears of what is overdue, or nothing is, because then it ends by itself."""
    there = {APPLICANT: {MANAGER}, MANAGER: {MANAGER, COLLEAGUE, OWNER}}.get(rule.owner, {MANAGER, COLLEAGUE})
    told = any(reminder.days > 0 and reminder.to in there for reminder in rule.reminders)
    return told or any(move.automatic == rule.key for move in content.moves.values())

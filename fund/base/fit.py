"""Whether the fund can carry out what a definition asks for: what its checker cannot know, because it knows no tables.

Only definitions that come in from outside are looked at; those that are shipped are tested.
"""

from collections.abc import Iterator, Mapping
from datetime import date

from sqlmodel import SQLModel

from fund.base.effects import EFFECTS
from fund.base.facts import KNOWN
from fund.base.subjects import KINDS
from schema.awards import Award
from schema.reports import ReportKind
from workflows import Definition, Finding, Level, Reason
from workflows.guards import REGISTRY, registered
from workflows.parts import CLOCK, COLLEAGUE, OWNER, GuardCall, Move
from workflows.reach import reach

Findings = Iterator[Finding]
PEOPLE: Mapping[str, frozenset[str]] = {
    kind: frozenset(
        {"manager"} if kind == "round" else {"manager", "applicant", *(["reviewer"] * (kind == "review"))}
    )
    for kind in KINDS
}
"""By kind of subject the roles in which there is anybody."""
STARTS = {("report", kind.value) for kind in ReportKind} | {("lesson", "")}
"""What a move of an application can start."""
SCHEDULED = {("report", "award.starts_on"), ("report", "award.ends_on")}
"""What can be due so many months after which day."""
TAKES_PROPOSALS = "open"
"""The state of a round in which proposals are written."""


def misfits(definition: Definition) -> list[Finding]:
    """What the fund cannot carry out (errors), and what it would no longer write down (warnings), by line."""
    if definition.subject not in KINDS:
        known = ", ".join(KINDS)
        return [
            Finding(
                0,
                "subject",
                Reason(
                    "the fund moves nothing called %(subject)s, only %(known)s",
                    subject=definition.subject,
                    known=known,
                ),
            )
        ]
    looks = (_days, _people, _makers, _facts, _starts, _rounds, _records, _comments)
    return sorted(finding for look in looks for finding in look(definition))


def _days(definition: Definition) -> Findings:
    """Days that are kept nowhere."""
    tables: dict[str, type[SQLModel]] = {
        "round": KINDS["round"],
        definition.subject: KINDS[definition.subject],
    }
    if definition.subject != "round":
        tables["award"] = Award
    for rule in definition.deadlines.values():
        noun, _, name = rule.due.field.partition(".")
        if rule.due.kind == "field" and not (noun in tables and _is_day(tables[noun], name)):
            yield Finding(
                rule.line, f"deadline {rule.key}", Reason("no day is kept as %(field)s", field=rule.due.field)
            )


def _is_day(table: type[SQLModel], name: str) -> bool:
    return name in table.model_fields and table.model_fields[name].annotation is date


def _people(definition: Definition) -> Findings:
    """Roles in which nobody stands to the subject, and who would be written to."""
    there = PEOPLE[definition.subject]
    asked = [(0, "notices", notice.to) for notice in definition.notices]
    for move in definition.moves.values():
        asked += [(move.line, f"move {move.trigger}", notice.to) for notice in move.notices]
    for rule in definition.deadlines.values():
        reminded = (one.to for one in rule.reminders if one.to not in (OWNER, COLLEAGUE))
        roles = dict.fromkeys([rule.owner, *reminded])
        asked += [(rule.line, f"deadline {rule.key}", role) for role in roles]
    for line, where, role in asked:
        if role not in there:
            yield Finding(line, where, Reason("there is no %(role)s here to write to", role=role))


def _makers(definition: Definition) -> Findings:
    """Moves by roles in which nobody stands to the subject, and states that only such moves would lead on from."""
    there = PEOPLE[definition.subject] | {CLOCK}
    for move in definition.moves.values():
        where, absent = f"move {move.trigger}", sorted(move.roles - there)
        if absent and move.roles.isdisjoint(there):
            said = Reason("nobody can make it: there is no %(roles)s here", roles=", ".join(absent))
            yield Finding(move.line, where, said)
            continue
        for role in absent:
            said = Reason("there is no %(role)s here who could make it", role=role)
            yield Finding(move.line, where, said, Level.WARNING)

    def counts(move: Move) -> bool:
        return not move.roles.isdisjoint(there)

    told = {finding.where for finding in reach(definition)}
    yield from (finding for finding in reach(definition, counts) if finding.where not in told)


def _facts(definition: Definition) -> Findings:
    """Guards that ask for what is not known of the subject, and guards that a kept definition has lost."""
    for move in definition.moves.values():
        for call in move.guards:
            if _is_lost(call):
                message = Reason(
                    "guard %(guard)s is not there: no module of FUND_GUARDS has it", guard=call.name
                )
                yield Finding(move.line, f"move {move.trigger}", message)
            for fact in registered(call.name).reads:
                if fact not in KNOWN[definition.subject]:
                    message = Reason(
                        "guard %(guard)s asks for %(fact)s, which the fund does not know here",
                        guard=call.name,
                        fact=fact,
                    )
                    yield Finding(move.line, f"move {move.trigger}", message)


def lost_guards(definition: Definition) -> list[tuple[Move, str]]:
    """Moves of a kept definition that stay closed because a guard is not there (any more), each with its name."""
    return [(move, call.name) for move in definition.moves.values() for call in move.guards if _is_lost(call)]


def _is_lost(call: GuardCall) -> bool:
    return registered(call.name).name not in REGISTRY


def _starts(definition: Definition) -> Findings:
    """Children that the fund cannot bring to life."""
    for move in definition.moves.values():
        for start in move.starts:
            if definition.subject != "application" or (start.child, start.kind) not in STARTS:
                what = f"{start.kind} {start.child}".strip()
                yield Finding(
                    move.line,
                    f"move {move.trigger}",
                    Reason("the fund cannot start a %(what)s here", what=what),
                )
            if (start.after or start.months) and (start.child, start.after) not in SCHEDULED:
                yield Finding(
                    move.line,
                    f"move {move.trigger}",
                    Reason(
                        "months are counted for a report, after award.starts_on or after award.ends_on",
                    ),
                )


def _rounds(definition: Definition) -> Findings:
    """A round in which no proposal could ever be written."""
    if definition.subject == "round" and TAKES_PROPOSALS not in definition.states:
        yield Finding(
            0,
            "",
            Reason('no state is called "%(state)s": no proposal could be written', state=TAKES_PROPOSALS),
        )


def _records(definition: Definition) -> Findings:
    """What the fund cannot leave on record here, and what nothing would leave any more."""
    left = {record for move in definition.moves.values() for record in move.records}
    for move in definition.moves.values():
        for record in move.records:
            if (definition.subject, record) not in EFFECTS:
                yield Finding(
                    move.line,
                    f"move {move.trigger}",
                    Reason("no %(record)s can be left on record here", record=record),
                )
    for kind, record in EFFECTS:
        if kind == definition.subject and record not in left:
            yield Finding(
                0, "", Reason("no move leaves the %(record)s on record", record=record), Level.WARNING
            )


def _comments(definition: Definition) -> Findings:
    """Comments on what has no page for them."""
    if definition.subject == "application":
        return
    for state in definition.states.values():
        if state.comment:
            yield Finding(state.line, f"state {state.name}", Reason("only applications can be commented on"))

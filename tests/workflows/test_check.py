"""The checker: each kind of finding, with its line and its place."""

import pytest

from tests.workflows.drafts import (
    DONE,
    FINISH,
    HEAD,
    PLANNED,
    SOUND,
    VISIT,
    definition,
    found,
    line_of,
    move,
    sound,
    state,
)
from workflows import Definition, check, shipped
from workflows.check import check_text
from workflows.errors import Level
from workflows.translation import phrases


def test_sound_definition_has_no_findings() -> None:
    assert check(definition()) == []


def test_finding_names_line_and_state_and_reads_as_one_line() -> None:
    text = sound(more=state("lonely"))
    finding, *_ = check(Definition.parse(text))
    assert finding.line == line_of(text, "[states.lonely]")
    assert str(finding) == f"line {finding.line}: error: state lonely: cannot be reached from planned"


def test_unreachable_state() -> None:
    more = state("lonely") + move("leave", "lonely", "done")
    assert found(more=more) == ["error: state lonely: cannot be reached from planned"]


def test_state_is_not_reached_by_a_move_that_nobody_can_make() -> None:
    more = state("lonely") + move("come", "planned", "lonely", "") + move("leave", "lonely", "done")
    assert found(more=more) == [
        "error: state lonely: cannot be reached from planned",
        "error: move come: nobody can make it: it has no roles (by) and is not automatic",
    ]


def test_state_without_a_way_to_an_end() -> None:
    more = state("stuck") + move("enter", "planned", "stuck")
    assert found(more=more) == [
        "error: state stuck: no way to an end: nothing leads out of it, and it declares no outcome",
        "warning: state stuck: the manager owes visit here and can make no move",
    ]


def test_loop_without_an_exit() -> None:
    more = (
        state("ping")
        + state("pong")
        + move("enter", "planned", "ping")
        + move("hit", "ping", "pong")
        + move("back", "pong", "ping")
    )
    message = "a loop without an exit: it only leads to ping, pong, and none of them is an end"
    assert found(more=more) == [f"error: state ping: {message}", f"error: state pong: {message}"]


def test_applicant_waits_and_nobody_owes_anything() -> None:
    planned = PLANNED.replace('deadlines = ["visit"]\n', "")
    assert found(planned=planned) == [
        "error: state planned: the applicant waits here, and nobody owes anything by a date",
        "warning: deadline visit: no state opens it",
    ]


def test_nobody_owes_anything_where_no_applicant_waits() -> None:
    planned = PLANNED.replace('deadlines = ["visit"]\n', "").replace('"applicant", ', "")
    assert found(planned=planned) == [
        "warning: state planned: nobody owes anything by a date here",
        "warning: deadline visit: no state opens it",
    ]


def test_children_may_keep_the_time_if_somebody_starts_them() -> None:
    planned = PLANNED.replace('deadlines = ["visit"]', 'waits_for = ["report"]')
    opened = state("opened") + move("end", "opened", "done")
    start = move("begin", "opened", "planned", 'by = ["manager"]\nstarts = [{ child = "report" }]')
    assert found(planned=planned, more=opened + start + move("enter", "planned", "opened")) == []
    assert found(planned=planned, more=opened + move("enter", "planned", "opened")) == [
        "warning: state planned: waits for a report, and no move starts one"
    ]


def test_guards_that_are_never_met_together() -> None:
    finish = (
        FINISH
        + 'guards = [{ parent_in = ["open"] }, "form_complete", { parent_not_in = ["open", "closed"] }]\n'
    )
    assert found(finish=finish) == [
        "error: move finish: can never be made: parent_in(open) and parent_not_in(open, closed) are never met together"
    ]


WANTS_LATER = 'by = ["manager"]\nguards = [{ deadline_open = "later" }]'


def test_deadline_that_is_never_open_where_a_move_wants_it_open() -> None:
    later = VISIT.replace("deadlines.visit", "deadlines.later")
    more = state("other", deadlines='["later"]') + move("go", "planned", "other") + later
    never = "error: move end: can never be made in planned: deadline later is not open there"
    assert found(more=more + move("end", 'other", "planned', "done", WANTS_LATER)) == [never]
    assert found(more=more + move("end", "other", "done", WANTS_LATER)) == []
    both = WANTS_LATER + '\nautomatic = { deadline = "later" }'
    assert found(more=more + move("end", "other", "done", both)) == [
        "error: move end: never happens by itself: it waits for later to pass and wants it open"
    ]


def test_deadline_of_the_state_before_is_open_while_it_is_held() -> None:
    wants = 'by = ["manager"]\nguards = [{ deadline_open = "visit" }]'
    ways = move("suspend", "planned", "held") + move("resume", "held", "planned", wants)
    assert not [one for one in found(more=state("held", "hold = true", "[]") + ways) if "never" in one]
    assert [one for one in found(more=state("held", "", "[]") + ways) if "never" in one]


def test_move_by_somebody_who_may_not_read_there() -> None:
    finish = FINISH.replace('["manager"]', '["manager", "reviewer", "applicant"]')
    assert found(finish=finish) == [
        "warning: move finish: the reviewer can make it in planned and may not read there"
    ]
    public = PLANNED.replace('["applicant", "manager"]', '["anyone"]')
    assert found(planned=public, finish=finish) == []


@pytest.mark.parametrize("key", ["meets", "cancels"])
def test_deadline_met_or_cancelled_in_vain(key: str) -> None:
    more = state("other", deadlines='["later"]') + move("go", "planned", "other")
    later = VISIT.replace("deadlines.visit", "deadlines.later")
    end = move("end", "other", "done", f'by = ["manager"]\n{key} = ["visit", "later"]')
    assert found(more=more + end + later) == [f"warning: move end: {key} visit, which is not open in other"]


def test_deadline_that_nobody_is_reminded_of() -> None:
    assert found(visit=VISIT.replace("[-2, 1]", "[]")) == [
        "warning: deadline visit: nobody is reminded of it"
    ]
    other = VISIT.replace("[-2, 1]", '[{ days = 1, to = "applicant" }]')
    assert found(visit=other) == ["warning: deadline visit: the manager, who owes it, is not reminded of it"]


def test_deadline_whose_owner_can_do_nothing() -> None:
    visit = VISIT.replace('"manager"', '"applicant"').replace("1]", '{ days = 1, to = "manager" }]')
    assert found(visit=visit) == [
        "warning: state planned: the applicant owes visit here and can make no move"
    ]


def test_overdue_and_no_manager_hears_of_it() -> None:
    silent = "warning: deadline visit: no manager is told when it is overdue"
    assert found(visit=VISIT.replace("[-2, 1]", "[-2]")) == [silent]
    finish = FINISH.replace('["manager"]', '["manager", "applicant"]')
    mine = VISIT.replace('"manager"', '"applicant"')
    assert found(finish=finish, visit=mine) == [silent]
    for to in ("manager", "colleague"):
        climbs = mine.replace("1]", f'1, {{ days = 3, to = "{to}" }}]')
        assert found(finish=finish, visit=climbs) == ([] if to == "manager" else [silent])
    twice = VISIT.replace("[-2, 1]", "[-2, 1, { days = 1 }]")
    assert found(visit=twice) == [
        "warning: deadline visit: the manager is reminded more than once 1 day after it"
    ]


def test_missing_help_and_words_that_mean_two_things() -> None:
    planned = PLANNED.replace('help = "We come to see you."\n', "")
    twin = (
        state("twin").replace('"Twin"', '"Planned"')
        + move("end", "twin", "done")
        + move("go", "planned", "twin")
    )
    again = FINISH.replace("moves.finish", "moves.again")
    stage = '\n[stages.empty]\nlabel = "Empty"\n'
    assert sorted(found(planned=planned, more=twin + again + stage)) == [
        'warning: move again: has the same label as finish in planned: "Finish the visit"',
        "warning: stage empty: has no states",
        "warning: state planned: has no help for the applicant",
        'warning: state twin: has the same label as planned: "Planned"',
    ]


def test_templates_are_looked_at_where_they_are_given() -> None:
    head = HEAD.replace("\n[stages", 'notices = [{ to = "manager", template = "born" }]\n\n[stages')
    finish = FINISH + 'notices = [{ to = "applicant", template = "seen" }]\n'
    visit = definition(head=head, finish=finish)
    assert check(visit, templates={"born", "seen"}) == []
    assert check(visit) == []
    assert [f"{f.where}: {f.message}" for f in check(visit, templates=set())] == [
        'notices: there is no mail template "born"',
        'move finish: there is no mail template "seen"',
    ]


def test_family_is_looked_at_where_it_is_given() -> None:
    finish = FINISH + (
        'guards = [{ parent_in = ["opn"] }, { child_in = { report = ["due", "late"] } }, { min_reviews = 1 },'
        ' { round_in = ["shut"] }]\nstarts = [{ child = "report" }]\n'
    )
    family = {name: shipped(name) for name in ("round", "report")}
    assert [f"{f.where}: {f.message}" for f in check(definition(finish=finish), family=family)] == [
        ': speaks of the workflow "review", which does not exist',
        'move finish: guard child_in: the workflow "report" has no state "late"',
        'move finish: guard parent_in: the workflow "round" has no state "opn" (did you mean "open"?)',
        'move finish: guard round_in: the workflow "round" has no state "shut"',
        "move finish: starts a report, which does not have visit as its parent",
    ]
    assert check(definition(finish=finish)) == []


def test_a_stage_that_no_relative_has_is_found() -> None:
    """Nor does one in which everything has ended: nothing ever stands there."""
    finish = (
        FINISH + 'guards = [{ round_in = ["call/*", "cal/*", "done/*"] }, { parent_not_in = ["open/*"] }]\n'
    )
    lacks = 'guard %s: the workflow "round" has no stage "%s" in which something is under way%s'
    family = {name: shipped(name) for name in ("round", "review", "report")}
    assert [one.message for one in check(definition(finish=finish), family=family)] == [
        lacks % ("parent_not_in", "open", ""),
        lacks % ("round_in", "cal", ' (did you mean "call"?)'),
        lacks % ("round_in", "done", ""),
    ]


def test_each_state_that_children_ask_for_in_vain_is_named() -> None:
    """Some of them are there, and others once were: a rename would leave its moves waiting for ever."""
    account = HEAD.replace('"round"', '"visit"').replace('name = "visit"', 'name = "account"')
    account = account.replace('subject = "visit"', 'subject = "report"')
    asks = (
        'guards = [{ parent_in = ["planned", "planed", "way/*"] },'
        ' { parent_not_in = ["seen", "left", "elsewhere/*"] }]\n'
    )
    family = {
        "round": shipped("round"),
        "review": shipped("review"),
        "account": definition(head=account, finish=FINISH + asks),
        "trip": definition(head=HEAD.replace('name = "visit"', 'name = "trip"'), more=state("seen")),
    }
    asking = "warning: finish of the workflow account asks for the"
    assert [str(one) for one in check(definition(), family=family)] == [
        f"{asking} stage elsewhere, in which nothing is under way here",
        f"{asking} stage way, in which nothing is under way here",
        f"{asking} state left, which this one does not have",
        f'{asking} state planed, which this one does not have (did you mean "planned"?)',
    ]
    newer = definition(head=account.replace("version = 1", "version = 2"))
    assert check(definition(), family={"newer": newer} | family) == [], "what an older version asks is past"


def test_text_is_checked_whatever_it_is() -> None:
    assert check_text(SOUND) == []
    assert [finding.level for finding in check_text("nonsense")] == [Level.ERROR]
    (finding,) = check_text(sound(visit=VISIT.replace("[-2, 1]", "[]")))
    assert finding.level is Level.WARNING


def test_pieces_of_these_tests_are_sound() -> None:
    assert (
        check(definition(done=DONE, more=state("x") + move("a", "planned", "x") + move("b", "x", "done")))
        == []
    )


# ------------------------------------------------------------------ ways back, holds, fields, languages


def test_what_cannot_be_undone() -> None:
    finish = (
        FINISH.replace('by = ["manager"]\n', "")
        + 'automatic = { deadline = "visit" }\nundo = { hours = 1 }\n'
    )
    assert found(finish=finish) == [
        "warning: state planned: the manager owes visit here and can make no move",
        "error: move finish: cannot be undone: it happens by itself, and would happen again",
    ]
    finish = FINISH + 'starts = [{ child = "report" }]\nundo = { hours = 1 }\n'
    assert found(finish=finish) == [
        "error: move finish: cannot be undone: it starts a report, which cannot be unmade"
    ]


def test_revert_leads_backwards() -> None:
    back = move("back", "done", "planned", 'by = ["manager"]\nrevert = true')
    assert found(done=DONE + 'read = ["manager"]\n', more=back) == []
    assert found(finish=FINISH + "revert = true\n") == [
        "warning: move finish: declared as a revert, and no way leads on from done to where it came from"
    ]


SUSPEND = move("suspend", "planned", "held") + move("resume", "held", "planned")


def held(deadlines: str = "[]", extra: str = "hold = true") -> str:
    """A state that holds; nobody owes anything there unless it says so."""
    return state("held", extra, deadlines)


def test_hold_with_a_way_back() -> None:
    assert found(more=held() + SUSPEND) == ["warning: state held: nobody owes anything by a date here"]


def test_hold_that_cannot_hold() -> None:
    assert found(planned=PLANNED + "hold = true\n") == [
        "error: state planned: cannot hold: everything begins in it, so there is nothing to hold",
        "error: state planned: holds for good: no move leads from it to a state that neither holds nor ends",
    ]
    assert found(more=held('["visit"]') + SUSPEND) == [
        "error: state held: holds the deadline visit and opens it too"
    ]
    ends = held(extra='hold = true\noutcome = "held"')
    assert found(more=ends + SUSPEND) == ["error: state held: cannot hold: it is an end"]
    only_out = move("suspend", "planned", "held") + move("stop", "held", "done")
    assert found(more=held() + only_out)[:1] == [
        "error: state held: holds for good: no move leads from it to a state that neither holds nor ends"
    ]


def test_deadline_is_moved_where_it_lives_on() -> None:
    longer = 'by = ["manager"]\nmoves = ["visit"]'
    assert found(more=move("extend", "planned", "planned", longer)) == []
    assert found(finish=FINISH + 'moves = ["visit"]\n') == [
        "warning: move finish: moves visit, which done does not keep"
    ]
    assert found(done=DONE + 'read = ["manager"]\n', more=move("again", "done", "planned", longer)) == [
        "warning: move again: moves visit, which is not open in done"
    ]
    assert found(finish=FINISH + 'meets = ["visit"]\ncancels = ["visit"]\n') == [
        "error: move finish: does more than one thing with the deadline visit"
    ]


def test_clock_is_asked_for_nothing() -> None:
    finish = FINISH + 'automatic = { deadline = "visit" }\nreason = "required"\n'
    finish += 'asks = [{ name = "who", label = "Who", kind = "text" }]\n'
    assert found(finish=finish) == []
    assert found(finish=finish.replace('by = ["manager"]\n', ""))[1:] == [
        "warning: move finish: asks for a reason, and happens by itself alone",
        "warning: move finish: asks for who, and happens by itself alone",
    ]


def test_missing_translations_are_named_one_by_one() -> None:
    head = HEAD.replace("children =", 'languages = ["es", "fr"]\nchildren =')
    french = "".join(f'{key} = "{text}"\n' for key, text in phrases(definition()).items())
    spanish = (
        '[translations.es]\nlabel = "Visita"\nstages.all.label = "Todo"\nstates.planned.label = "Prevista"\n'
    )
    text = sound(head=head, more=f"[translations.fr]\n{french}{spanish}")
    assert [str(finding).split(": ", 1)[1] for finding in check(Definition.parse(text))] == [
        "warning: state planned, help: not translated into es",
        "warning: state done, label: not translated into es",
        "warning: move finish, label: not translated into es",
        "warning: deadline visit, label: not translated into es",
    ]
    nothing = sound(head=head)
    told = [str(finding) for finding in check(Definition.parse(nothing))]
    assert told[:2] == [
        "warning: label: not translated into es",
        "warning: label: not translated into fr",
    ]
    assert len(told) == 2 * len(phrases(definition()))


def test_what_is_shown_is_not_hidden_afterwards() -> None:
    shows = 'read = ["applicant", "manager"]'
    hides = shows + '\nhides = { applicant = ["offer"] }'
    visit = state("seen", 'help = "We saw you."').replace('read = ["manager"]', "READ")
    ways = move("see", "planned", "seen") + move("back", "seen", "planned")
    planned = PLANNED.replace(shows, hides)
    assert found(planned=planned, more=visit.replace("READ", shows) + ways) == [
        "error: state seen: shows the applicant the offer, which planned hides after it"
    ]
    assert found(planned=planned, more=visit.replace("READ", hides) + ways) == []
    reverted = move("see", "planned", "seen") + move(
        "back", "seen", "planned", 'by = ["manager"]\nrevert = true'
    )
    assert found(planned=planned, more=visit.replace("READ", shows) + reverted) == []
    done = DONE + hides.replace("hides", "help = 'Done.'\nhides") + "\n"
    assert found(done=done) == [], "an end may hide what was shown"

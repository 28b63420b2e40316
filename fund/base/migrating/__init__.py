"""Putting what is under way onto another version of its workflow: first what would become of it, then all or nothing.

``plan`` reads and answers what would become of everything in a round; ``carry_out`` does it in the caller's unit of
work, after ``lock``: for each thing its state (through ``fund.base.states``), a ledger event and its deadlines with
their reminders; then the round's pin; then whatever now follows by itself.
"""

from fund.base.binding import bound_to
from fund.base.migrating.carry import carry_out, lock
from fund.base.migrating.changes import Change, NoPlace, Places
from fund.base.migrating.dates import Adjustment, Fate
from fund.base.migrating.follows import Follow
from fund.base.migrating.plans import Plan, Step, plan

__all__ = [
    "Adjustment",
    "Change",
    "Fate",
    "Follow",
    "NoPlace",
    "Places",
    "Plan",
    "Step",
    "bound_to",
    "carry_out",
    "lock",
    "plan",
]

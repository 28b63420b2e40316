"""The terms of an award, checked as a whole before anything is stored."""

from dataclasses import dataclass
from datetime import date

from fund.base.errors import Invalid
from fund.web.i18n import gettext as _
from notifications.dates import add_months
from schema.rounds import Round
from schema.values import Money

LONGEST = 20_000
"""Characters that the conditions may have."""
LONGEST_PROJECT = 60
"""Months; more is a slip in the year."""


@dataclass(frozen=True)
class Terms:
    """What is offered: an amount in the round's currency, the project's first and last day, conditions in words."""

    amount: Money
    starts_on: date
    ends_on: date
    conditions: str = ""

    def check(self, round_: Round, left: Money, today: date) -> None:
        """Raise Invalid (``amount``, ``starts_on``, ``ends_on``, ``conditions``) for what cannot be offered.

        ``left`` is what the round has still to promise; ``today`` is the day in the round's zone.
        """
        wrong = {
            "amount": self._amount(round_, left),
            "starts_on": self._start(round_),
            "ends_on": self._end(today),
            "conditions": _("Shorten this to 20,000 characters.") if len(self.conditions) > LONGEST else "",
        }
        if found := {name: message for name, message in wrong.items() if message}:
            raise Invalid(found)

    def _amount(self, round_: Round, left: Money) -> str:
        ceiling = Money(round_.ceiling_minor, round_.currency)
        if self.amount.currency != round_.currency:
            return _("This round awards in %(currency)s.") % {"currency": round_.currency}
        if self.amount.minor <= 0:
            return _("Enter an amount above zero.")
        if self.amount.minor > ceiling.minor:
            return _("One award of this round is at most %(amount)s.") % {"amount": ceiling}
        if self.amount.minor > left.minor:
            return _("The round has only %(amount)s left. Lower the amount.") % {"amount": left}
        return ""

    def _start(self, round_: Round) -> str:
        if self.starts_on < round_.opens_on:
            return _("The project cannot start before its round opened. Check the year.")
        return ""

    def _end(self, today: date) -> str:
        if self.ends_on <= self.starts_on:
            return _("The project has to end after it starts.")
        if self.ends_on <= today:
            return _("The project would be over already. Check the year.")
        if self.ends_on > add_months(self.starts_on, LONGEST_PROJECT):
            return _("A project can run for five years at most. Check the year.")
        return ""

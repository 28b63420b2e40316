"""``fund mail``: what waits, what went, what did not, and whether the mail server takes mail."""

from collections.abc import Mapping
from typing import Annotated

import typer

from fund.base.clock import SystemClock
from fund.base.errors import FundError, Misconfigured
from fund.base.health import mailing, standstill
from fund.base.settings import Settings
from fund.commands import doors
from fund.people.fields import mail_address
from fund.pipeline import outbox
from fund.web.words import local_datetime
from fund.worker import mail_server, mail_settings
from notifications.outbox import STUCK
from notifications.outcomes import Outcome
from notifications.probe import send_test_mail
from notifications.smtp import Fault, Unreachable, Verdict
from schema.outbox import MessageStatus

app = typer.Typer(help="The mail: what waits, what went, what did not.", no_args_is_help=True)

ADVICE = {
    Fault.NO_HOST: "No host has this name. Check FUND_SMTP_HOST.",
    Fault.REFUSED: "Nothing listens there. Check FUND_SMTP_HOST and FUND_SMTP_PORT, and that the server runs.",
    Fault.SILENT: "No answer came in time. Check FUND_SMTP_HOST, FUND_SMTP_PORT, FUND_SMTP_SECURITY "
    "(port 465 wants tls) and the firewall between.",
    Fault.TLS: "No safe connection came about. Check FUND_SMTP_SECURITY (port 465 wants tls, port 587 "
    "starttls), and that the server's certificate is valid for FUND_SMTP_HOST.",
    Fault.LOGIN: "The login did not work. Check FUND_SMTP_USER and FUND_SMTP_PASSWORD, and that "
    "FUND_SMTP_SECURITY is what the server wants before a login.",
    Fault.OTHER: "Check FUND_SMTP_HOST, FUND_SMTP_PORT and FUND_SMTP_SECURITY.",
}
"""What to do about each reason for which there is no talking to the server."""

REFUSED = {
    Outcome.RETRY: "The server asks to come back later, which the worker would do by itself. Try again in a "
    "few minutes.",
    Outcome.DEAD: "The server refuses for good. Check the address, and whether the server passes mail of "
    "FUND_MAIL_FROM on to others.",
    Outcome.UNKNOWN: "Nobody knows whether it was taken. Look whether the mail arrives.",
    Outcome.UNREACHABLE: "The server broke off. Check FUND_MAIL_FROM, and whether the server wants a login.",
}
"""What to do about each answer but a yes."""


@app.command()
def status() -> None:
    """How many mails and calls of webhooks stand where, and whether mail goes out."""
    now = SystemClock().now()
    with doors.reading() as session:
        mails, calls = (outbox.all_counts(session, calls=calls) for calls in (False, True))
        found = mailing(session, now, doors.settings().limits)
    _count(mails)
    if not mails:
        typer.echo("No mail yet.")
    _count(calls, "Calls of webhooks: ")
    if found.oldest_due:
        typer.echo(f"Due and waiting since {local_datetime(found.oldest_due)} UTC")
    for why in standstill(found, now):
        typer.echo(f"No mail goes out: {why}")
    for limit in found.held:
        typer.echo(f"Mail waits until the limit {limit} lets more through (FUND_MAIL_LIMITS)")
    if found.unreachable_since:
        since = f"{local_datetime(found.unreachable_since)} UTC"
        typer.echo(f"The mail server has been out of reach since {since} ({_line(found.unreachable)})")
    for counts, what in ((mails, "Mail"), (calls, "A call")):
        if counts.keys() & {status.value for status in STUCK}:
            typer.echo(f"{what} that needs a decision: {doors.settings().address}/mail/problems")


def _count(counts: Mapping[str, int], what: str = "") -> None:
    for name, count in sorted(counts.items()):
        typer.echo(f"{what}{outbox.NAMES[MessageStatus(name)]}: {count}")


@app.command()
def test(address: Annotated[str, typer.Argument(help="Where the test mail goes.")]) -> None:
    """Send one test mail over the mail server that is set, and say what the server answered."""
    settings = doors.settings()
    verdict = _tried(settings, mail_address(address))
    if verdict.outcome != Outcome.SENT:
        raise FundError(f"{_server(settings)}: {_line(verdict.reply)}. {REFUSED[verdict.outcome]}")
    typer.echo(f"{_server(settings)} took the mail for {address}: {_line(verdict.reply)}")


def _tried(settings: Settings, address: str) -> Verdict:
    now = SystemClock().now()
    try:
        return send_test_mail(mail_server(settings), mail_settings(settings), address, now)
    except Unreachable as error:
        raise Misconfigured(f"{_line(str(error))}. {ADVICE[error.fault]}") from error


def _server(settings: Settings) -> str:
    return f"{settings.smtp_host}:{settings.smtp_port}"


def _line(words: str) -> str:
    """What the server said, on one line and without a full stop."""
    return " ".join(words.split()).rstrip(".")

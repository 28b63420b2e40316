"""One plain mail that shows whether mail goes out: written and handed over as all others are, but by no outbox."""

import asyncio
from datetime import datetime
from email.utils import format_datetime
from secrets import token_urlsafe

from markupsafe import escape

from notifications import mime
from notifications.compose import MailSettings
from notifications.smtp import Server, Transport, Verdict

SUBJECT = "Test mail from {fund}"
TEXT = """\
This is a test mail from {fund} ({address}).

It came through the mail server {host}:{port}. Whoever can read it can be reached by the fund.
"""


def send_test_mail(server: Server, settings: MailSettings, recipient: str, now: datetime) -> Verdict:
    """Hand one test mail for ``recipient`` to the server, and answer what came of it.

    Raises Unreachable where there is no talking to the server, BadAddress for what is no mail address.
    """
    data = _written(server, settings, recipient, now)
    return asyncio.run(_handed_over(server, settings.mail_from, mime.ascii_domain(recipient), data))


async def _handed_over(server: Server, sender: str, recipient: str, data: bytes) -> Verdict:
    transport = Transport(server)
    try:
        await transport.open()
        return await transport.send(sender, recipient, data)
    finally:
        await transport.hang_up()


def _written(server: Server, settings: MailSettings, recipient: str, now: datetime) -> bytes:
    said = {
        "fund": settings.fund_name,
        "address": settings.address,
        "host": server.host,
        "port": server.port,
    }
    text, mail_id = TEXT.format(**said), f"{token_urlsafe(18)}@{settings.domain}"
    headers = [
        ("From", mime.address_header(settings.fund_name, settings.mail_from)),
        ("To", mime.address_header("", recipient)),
        ("Reply-To", mime.address_header("", settings.contact)),
        ("Subject", mime.text_header(SUBJECT.format(**said))),
        ("Date", format_datetime(now)),
        ("Message-ID", f"<{mail_id}>"),
        ("Auto-Submitted", "auto-generated"),
    ]
    return mime.write(
        headers, text, "".join(f"<p>{escape(line)}</p>\n" for line in text.split("\n\n")), mail_id
    )

"""What all mails say of the fund, and who writes them here as the worker does."""

from functools import cache

from fund.base.settings import Settings
from fund.web.i18n import catalogue
from notifications.compose import Composer, MailSettings


def mail_settings(settings: Settings, *, demo: bool = False) -> MailSettings:
    """What every mail says of the fund."""
    return MailSettings(
        fund_name=settings.fund_name,
        network_name=settings.network_name,
        address=settings.address,
        mail_from=settings.mail_from,
        contact=settings.contact,
        demo=demo,
    )


@cache
def composer(mail: MailSettings) -> Composer:
    """Who writes the fund's mails: for pages that show how one comes out."""
    return Composer(mail, catalogue)

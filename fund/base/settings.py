"""Settings from the environment (``FUND_…``), checked once at start."""

import logging
import os
from collections.abc import Iterable
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from fund.base.errors import Misconfigured
from notifications.pace import Limit, limits_of
from schema.rounds import WEEKDAYS

log = logging.getLogger(__name__)


class Settings(BaseSettings):
    """Every setting of the fund. Each is read from ``FUND_`` and its name in capitals; docs/settings.md lists them."""

    model_config = SettingsConfigDict(env_prefix="FUND_", extra="ignore", frozen=True)

    data_dir: Path = Field(Path("data"), description="Folder of the embedded database and of uploads.")
    database_url: str = Field(
        "", description="SQLAlchemy address of the database; empty means SQLite in the data folder."
    )
    base_url: str = Field(
        "", description="Address under which people reach the fund; links in mails begin with it."
    )
    host: str = Field("127.0.0.1", description="Network address that the web server listens on.")
    port: Annotated[int, Field(ge=1, le=65535)] = Field(
        8000, description="Port that the web server listens on."
    )
    fund_name: str = Field("Peace Incentive Fund", min_length=1, description="Name in the pages and mails.")
    network_name: str = Field("Peace in Our Cities", min_length=1, description="The network behind the fund.")
    zone: str = Field("UTC", description="IANA time zone of the fund.")
    weekend: str = Field(
        "saturday,sunday",
        description="Days of every week on which nobody works, for rounds that are planned from now on: "
        "`friday,saturday`.",
    )
    contact: str = Field("fund@example.org", description="Mail address of a person that replies go to.")
    mail_from: str = Field("fund@example.org", description="Mail address that mails come from.")
    smtp_host: str = Field("127.0.0.1", description="Mail server.")
    smtp_port: Annotated[int, Field(ge=1, le=65535)] = Field(25, description="Port of the mail server.")
    smtp_security: Literal["none", "starttls", "tls"] = Field("none", description="none, starttls or tls.")
    smtp_user: str = Field("", description="Login at the mail server; empty means none.")
    smtp_password: SecretStr = Field(SecretStr(""), description="Password at the mail server.")
    smtp_connections: Annotated[int, Field(ge=1, le=20)] = Field(
        2,
        description="How many connections to the mail server at once, where many mails wait: more for one of your own, "
        "as many as a provider allows. One in the web process.",
    )
    mail_limits: str = Field(
        "600/minute",
        description="How many mails go out at most, in any minute, hour or day, of all or to one domain: "
        "`600/minute, 10000/day, 60/minute example.org`. Counted over all workers and over restarts; empty means none.",
    )
    unknown_outcome: Literal["resend", "park"] = Field(
        "resend", description="What to do when the mail server fell silent after a mail was handed over."
    )
    webhook_private: bool = Field(
        False,
        description="Call webhooks at addresses inside of networks too (this machine, a private network).",
    )
    guards: str = Field(
        "",
        description="Python modules with guards and facts of your own for workflows, separated by commas: "
        "`our_guards`. They are imported as a process starts; docs/workflows.md shows one.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="How much is logged.")
    log_format: Literal["text", "json"] = Field("text", description="How it is logged.")
    embedded_worker: bool = Field(
        False, description="Run the worker inside the web process (one process in all)."
    )
    sweep_seconds: Annotated[float, Field(gt=0)] = Field(
        15, description="How often the worker looks for due mail."
    )
    metrics: bool = Field(
        False,
        description="Answer /metrics (numbers about mail for Prometheus, no names) to whoever reaches the server.",
    )
    trusted_proxies: str = Field(
        "", description="Addresses of reverse proxies whose X-Forwarded-For is believed."
    )

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError("expected an IANA time zone such as Europe/Brussels")
        return value

    @field_validator("weekend")
    @classmethod
    def _known_days(cls, value: str) -> str:
        days = {day.strip() for day in value.lower().split(",")} - {""}
        if not days < set(WEEKDAYS):
            raise ValueError("expected days of the week such as saturday,sunday, and not all of them")
        return ",".join(day for day in WEEKDAYS if day in days)

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: str) -> str:
        if not value:
            return value
        try:
            driver = make_url(value).drivername
        except ArgumentError as error:
            raise ValueError("expected an address such as postgresql+psycopg://user@host/fund") from error
        if driver not in ("sqlite", "postgresql", "postgresql+psycopg"):
            raise ValueError("expected sqlite:///… or postgresql+psycopg://…")
        return value.replace("postgresql://", "postgresql+psycopg://", 1)

    @field_validator("guards")
    @classmethod
    def _module_names(cls, value: str) -> str:
        names = [name.strip() for name in value.split(",") if name.strip()]
        if not all(part.isidentifier() for name in names for part in name.split(".")):
            raise ValueError("expected names of Python modules such as our_guards,our_fund.guards")
        return ",".join(names)

    @field_validator("mail_limits")
    @classmethod
    def _known_limits(cls, value: str) -> str:
        limits_of(value)
        return value

    @field_validator("base_url")
    @classmethod
    def _plain_address(cls, value: str) -> str:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError("expected an address that starts with http:// or https://")
        return value.rstrip("/")

    @field_validator("contact", "mail_from")
    @classmethod
    def _mail_address(cls, value: str) -> str:
        if value.count("@") != 1 or any(c.isspace() for c in value) or value[0] == "@" or value[-1] == "@":
            raise ValueError("expected one mail address")
        return value

    @model_validator(mode="after")
    def _login_needs_both(self) -> "Settings":
        if bool(self.smtp_user) != bool(self.smtp_password.get_secret_value()):
            raise ValueError("FUND_SMTP_USER and FUND_SMTP_PASSWORD go together: set both or neither")
        return self

    @property
    def database(self) -> str:
        """The address of the database that is really used."""
        return self.database_url or f"sqlite:///{self.data_dir / 'fund.sqlite3'}"

    @property
    def weekend_days(self) -> tuple[str, ...]:
        """The days of a new round's weekend, of ``WEEKDAYS``."""
        return tuple(day for day in self.weekend.split(",") if day)

    @property
    def address(self) -> str:
        """The address that links begin with, without a slash at the end."""
        return self.base_url or f"http://{self.host}:{self.port}"

    @property
    def guard_modules(self) -> tuple[str, ...]:
        """The modules with guards and facts of one's own."""
        return tuple(name for name in self.guards.split(",") if name)

    @property
    def limits(self) -> tuple[Limit, ...]:
        """How many mails go out at most."""
        return limits_of(self.mail_limits)

    @property
    def secure(self) -> bool:
        """Whether people reach the fund over HTTPS."""
        return self.address.startswith("https://")

    @property
    def time_zone(self) -> ZoneInfo:
        """The fund's zone."""
        return ZoneInfo(self.zone)


FOR_TESTS = frozenset({"FUND_CHROMIUM", "FUND_LONG", "FUND_REQUIRE_ALL", "FUND_TEST_POSTGRES_URL"})
"""Names in the environment that are no settings of the fund but of its tests."""


def load_settings() -> Settings:
    """Settings from the environment. Raises Misconfigured with one line that names the first wrong one.

    A name that is no setting is told of in a warning, once in each process.
    """
    _warn(frozenset(os.environ))
    try:
        return Settings.model_validate({})
    except ValidationError as error:
        first = error.errors()[0]
        name = "FUND_" + "_".join(str(part) for part in first["loc"]).upper() if first["loc"] else ""
        what = first["msg"].removeprefix("Value error, ")
        secret = name.endswith(("_PASSWORD", "_URL"))
        shown = "" if secret or not name else f" (it is {first['input']!r})"
        raise Misconfigured(f"{name}{': ' if name else ''}{what}{shown}") from error


def strangers(names: Iterable[str]) -> dict[str, str]:
    """The ``names`` that look like settings and are none, each with the setting that it was perhaps meant to be."""
    known = [f"FUND_{name.upper()}" for name in Settings.model_fields]
    unknown = (name for name in sorted(names) if name.upper().startswith("FUND_"))
    return {
        name: next(iter(get_close_matches(name.upper(), known, n=1)), "")
        for name in unknown
        if name.upper() not in FOR_TESTS.union(known)
    }


@cache
def _warn(names: frozenset[str]) -> None:
    for name, near in strangers(names).items():
        log.warning("%s is no setting and changes nothing.%s", name, f" Did you mean {near}?" if near else "")

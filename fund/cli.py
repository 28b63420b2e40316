"""The command-line door: ``fund --help``."""

import logging
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Literal

import typer
from sqlalchemy.exc import OperationalError
from sqlmodel import Session

import workflows
from fund.base import ledger, migrations
from fund.base.clock import SystemClock
from fund.base.database import Database
from fund.base.errors import FundError, Misconfigured
from fund.base.logs import configure
from fund.base.settings import Settings, load_settings
from fund.pipeline import outbox
from fund.worker import Worker, mail_settings
from fund.worker import run as work
from notifications.compose import Composer
from schema.outbox import MessageStatus
from workflows import DefinitionError, Level, library, shipped
from workflows.check import check_text
from workflows.draw import mermaid, svg

WrongUse: type[Exception] = typer.BadParameter.mro()[2]
"""What every wrong use of a command is raised as; Typer keeps its copy of click to itself."""

app = typer.Typer(
    help="The Peace Incentive Fund: from proposal to shared lesson.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
audit = typer.Typer(
    help="The ledger: what happened, and whether anything was changed afterwards.", no_args_is_help=True
)
mail = typer.Typer(help="The mail: what waits, what went, what did not.", no_args_is_help=True)
workflow = typer.Typer(help="Workflow definitions: check and draw them.", no_args_is_help=True)
Definition = Annotated[Path, typer.Argument(help="A workflow definition (TOML).")]

app.add_typer(audit, name="audit")
app.add_typer(mail, name="mail")
app.add_typer(workflow, name="workflow")


def main() -> None:
    """Run the command. Whatever goes wrong is one line on standard error and a non-zero exit."""
    try:
        sys.exit(app(standalone_mode=False) or 0)
    except typer.Exit as done:
        sys.exit(done.exit_code)
    except typer.Abort:
        _stop("Stopped.", 130)
    except WrongUse as error:
        _stop(f"{getattr(error, 'message', error)} Try: fund --help", 2)
    except FundError as error:
        _stop(error.message, error.exit_code)
    except OperationalError as error:
        _stop(f"The database does not answer: {str(error.orig).splitlines()[0]}", 1)
    except OSError as error:
        _stop(f"{error.strerror}: {error.filename}" if error.filename else str(error), 1)


@app.command()
def demo(
    port: Annotated[int | None, typer.Option(help="Port to listen on; FUND_PORT otherwise, or 8000.")] = None,
    data: Annotated[Path | None, typer.Option(help="Folder of the demonstration's data.")] = None,
    fresh: Annotated[bool, typer.Option(help="Begin again with the 2021 round as it was.")] = False,
) -> None:
    """Try the product: the 2021 round, a clock that you move, and the mail it sends."""
    from fund.demo.run import run

    run(load_settings(), port=port, folder=data, fresh=fresh)


@app.command()
def serve() -> None:
    """Run the web server (and the worker too, with FUND_EMBEDDED_WORKER=1)."""
    from fund.app import serve as run

    settings = _settings()
    with _database(settings) as database, ExitStack() as stack:
        _require_schema(database)
        if settings.embedded_worker:
            stack.enter_context(Worker(settings, database, SystemClock()).running())
        run(settings, database)


@app.command()
def worker() -> None:
    """Run the worker: deadlines pass, reminders and mail go out."""
    settings = _settings()
    with _database(settings) as database:
        _require_schema(database)
        work(settings, database)


@app.command()
def migrate() -> None:
    """Bring the database to the schema of this version."""
    with _database(_settings()) as database:
        applied = migrations.upgrade(database)
    typer.echo(f"Applied: {', '.join(applied)}." if applied else "The database is up to date.")


@app.command()
def create_manager(
    email: Annotated[str, typer.Argument(help="Mail address to sign in with.")],
    name: Annotated[str, typer.Option(help="The person's name.")] = "",
) -> None:
    """Let a person manage the fund. She signs in with a code sent to this address."""
    from fund.people import service

    with _open() as session:
        service.create_manager(session, email, name, now=SystemClock().now())
    typer.echo(f"{email} manages the fund. Sign in at {load_settings().address}/sign-in")


@app.command()
def token(
    email: Annotated[str, typer.Argument(help="Mail address of the person that the token acts for.")],
    label: Annotated[str, typer.Option(help="What the token is for.")] = "command line",
) -> None:
    """Make a token for the JSON API and print it once."""
    from fund.people import tokens

    with _open() as session:
        made = tokens.create_token(session, email, label, now=SystemClock().now())
    typer.echo(made)


@audit.command()
def verify() -> None:
    """Recompute every hash of the ledger and its seals; a non-zero exit names the first that does not hold."""
    with _database(_settings()) as database, database.read() as session:
        verdict = ledger.verify(session)
    if verdict.broken:
        _stop(f"The ledger is broken at {verdict.broken}.", 1)
    typer.echo(
        f"The ledger holds: {verdict.events} events in {verdict.chains} chains, {verdict.seals} seals. "
        f"Latest seal: {verdict.head}"
    )


@audit.command()
def seal() -> None:
    """Seal the heads of all chains now, besides the daily seal. Note the printed hash down elsewhere."""
    with _open() as session:
        sealed = ledger.seal(session, SystemClock().now())
    typer.echo(f"Sealed: {sealed.hash}" if sealed else "Nothing happened since the last seal.")


@mail.command()
def status() -> None:
    """How many mails stand where."""
    with _database(_settings()) as database:
        _require_schema(database)
        with database.read() as session:
            counts = outbox.counts(session)
    for name, count in sorted(counts.items()):
        typer.echo(f"{outbox.NAMES[MessageStatus(name)]}: {count}")
    if not counts:
        typer.echo("No mail yet.")


@workflow.command()
def check(file: Definition) -> None:
    """Check a definition: one line for each finding; a non-zero exit if one is an error."""
    family = {name: shipped(name) for name in library()}
    templates = Composer(mail_settings(load_settings())).names()
    findings = check_text(_text(file), templates=templates, family=family)
    for finding in findings:
        typer.echo(f"{file}: {finding}")
    if any(finding.level is Level.ERROR for finding in findings):
        raise typer.Exit(1)


@workflow.command()
def draw(
    file: Definition,
    form: Annotated[Literal["svg", "mermaid"], typer.Option("--as", help="svg or mermaid.")] = "svg",
) -> None:
    """Draw stages, states and moves, as SVG or Mermaid, to standard output."""
    try:
        definition = workflows.Definition.parse(_text(file))
    except DefinitionError as error:
        raise Misconfigured(f"{file}: {error.findings[0]}") from error
    typer.echo(svg(definition) if form == "svg" else mermaid(definition))


def _text(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise Misconfigured(f"{file} is not UTF-8 text.") from error


def _settings() -> Settings:
    settings = load_settings()
    configure(settings)
    return settings


@contextmanager
def _database(settings: Settings) -> Iterator[Database]:
    if not settings.database_url:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
    database = Database(settings.database)
    try:
        yield database
    finally:
        database.close()


@contextmanager
def _open() -> Iterator[Session]:
    with _database(load_settings()) as database:
        _require_schema(database)
        with database.write() as session:
            yield session


def _require_schema(database: Database) -> None:
    if not migrations.is_current(database):
        raise Misconfigured("The database does not have this version's schema. Run: fund migrate")


def _stop(message: str, code: int) -> None:
    logging.shutdown()
    typer.echo(f"fund: {message}", err=True)
    sys.exit(code or 1)


if __name__ == "__main__":
    main()

"""The command-line door: ``fund --help``."""

import signal
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy.exc import DBAPIError

from fund.base import ledger, migrations
from fund.base.clock import SystemClock
from fund.base.errors import FundError
from fund.base.settings import load_settings
from fund.commands import doors, mail, rehearse, workflow
from fund.worker import Worker
from fund.worker import run as work
from workflows import WorkflowError

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

app.add_typer(audit, name="audit")
app.add_typer(mail.app, name="mail")
app.add_typer(workflow.app, name="workflow")
app.command("rehearse")(rehearse.command)


def main() -> None:
    """Run the command. Whatever goes wrong is one line on standard error and a non-zero exit."""
    try:
        sys.exit(app(prog_name="fund", standalone_mode=False) or 0)
    except typer.Exit as done:
        sys.exit(done.exit_code)
    except typer.Abort:
        _stop("Stopped.", 130)
    except WrongUse as error:
        _stop(_correction(error), 2)
    except FundError as error:
        _stop(error.message, error.exit_code)
    except WorkflowError as error:
        _stop(str(error).splitlines()[0], 1)
    except DBAPIError as error:
        reason = str(error.orig).strip().splitlines()[0]
        _stop(f"The database does not answer ({reason}). Check FUND_DATABASE_URL and FUND_DATA_DIR.", 1)
    except OSError as error:
        _stop(f"{error.filename}: {error.strerror}. Check the path." if error.filename else str(error), 1)


def _correction(error: Any) -> str:
    """What was wrong with the line that was typed, and where help is."""
    said = " ".join(str(error.format_message()).split()) or "Name one of the commands."
    command = error.ctx.command_path if getattr(error, "ctx", None) else "fund"
    return f"{said}{'' if said.endswith(('.', '?')) else '.'} Try: {command} --help"


def _end_gently() -> None:
    """Let SIGTERM end the command as Ctrl+C does: what is open is closed, what is in hand is finished."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@app.command()
def demo(
    port: Annotated[
        int | None, typer.Option(help="Port to listen on; FUND_PORT otherwise, or 8000.", min=1, max=65535)
    ] = None,
    data: Annotated[Path | None, typer.Option(help="Folder of the demonstration's data.")] = None,
    fresh: Annotated[bool, typer.Option(help="Begin again with the 2021 round as it was.")] = False,
) -> None:
    """Try the product: the 2021 round, a clock that you move, and the mail it sends."""
    from fund.demo.run import run

    _end_gently()
    run(load_settings(), port=port, folder=data, fresh=fresh)


@app.command()
def serve() -> None:
    """Run the web server (and the worker too, with FUND_EMBEDDED_WORKER=1)."""
    from fund.app import serve as run

    _end_gently()
    settings = doors.settings()
    with doors.database(settings) as database, ExitStack() as stack:
        if settings.embedded_worker:
            stack.enter_context(Worker(settings, database, SystemClock()).running())
        run(settings, database)


@app.command()
def worker() -> None:
    """Run the worker: deadlines pass, reminders and mail go out."""
    _end_gently()
    settings = doors.settings()
    with doors.database(settings) as database:
        work(settings, database)


@app.command()
def migrate() -> None:
    """Bring the database to the schema of this version."""
    with doors.any_database(doors.settings()) as database:
        applied = migrations.upgrade(database)
    typer.echo(f"Applied: {', '.join(applied)}." if applied else "The database is up to date.")


@app.command()
def create_manager(
    email: Annotated[str, typer.Argument(help="Mail address to sign in with.")],
    name: Annotated[str, typer.Option(help="The person's name.")] = "",
) -> None:
    """Let a person manage the fund. She signs in with a code sent to this address."""
    from fund.people import service

    with doors.writing() as session:
        service.create_manager(session, email, name, now=SystemClock().now())
    typer.echo(f"{email} manages the fund. Sign in at {load_settings().address}/sign-in")


@app.command()
def token(
    email: Annotated[str, typer.Argument(help="Mail address of the person that the token acts for.")],
    label: Annotated[str, typer.Option(help="What the token is for.")] = "command line",
) -> None:
    """Make a token for the JSON API and print it once."""
    from fund.people import tokens

    with doors.writing() as session:
        made = tokens.create_token(session, email, label, now=SystemClock().now())
    typer.echo(made)


@audit.command()
def verify() -> None:
    """Recompute every hash of the ledger and its seals; a non-zero exit names the first that does not hold."""
    with doors.reading() as session:
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
    with doors.writing() as session:
        sealed = ledger.seal(session, SystemClock().now())
    typer.echo(f"Sealed: {sealed.hash}" if sealed else "Nothing happened since the last seal.")


def _stop(message: str, code: int) -> None:
    typer.echo(f"fund: {message}", err=True)
    sys.exit(code or 1)


if __name__ == "__main__":
    main()

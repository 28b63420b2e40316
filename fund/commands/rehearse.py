"""``fund rehearse``: which mail a round would send, to whom and when, before it does."""

import signal
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from fund.base.clock import SystemClock
from fund.base.errors import Invalid
from fund.commands import doors
from fund.rehearsing import telling
from fund.rehearsing.queries import Rehearsal, rehearse
from fund.rehearsing.scenario import LATE, LATEST, Manner, Scenario

FILES = {".json": telling.as_json, ".csv": telling.as_csv}
Days = Annotated[int, typer.Option(help="Days after the due day, where people are late.", min=1, max=LATEST)]


def command(
    round_: Annotated[str, typer.Argument(metavar="ROUND", help="The last part of the round's address.")],
    until: Annotated[str, typer.Option(help="The last day, as in 2022-12-31; to the end without it.")] = "",
    form: Annotated[str, typer.Option("--as", help="table, json, or a FILE.json or FILE.csv.")] = "table",
    scenario: Annotated[
        list[Manner] | None, typer.Option(help="in_time, nobody or late; all three without it.")
    ] = None,
    late: Days = LATE,
    applications: Annotated[
        int | None,
        typer.Option(help="So many proposals are invented; 5 where there is none yet.", min=0, max=2000),
    ] = None,
) -> None:
    """Show every mail that a round would send, to whom and when. Writes nothing and sends nothing.

    The round is lived through in a copy: all in time, with nobody acting, and with everybody some days late.
    """
    last, file = _day(until), _file(form)
    settings, now = doors.settings(), SystemClock().now()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the copy is removed then too
    found = []
    with doors.database(settings) as database:
        for manner in scenario or list(Manner):
            chosen = Scenario(manner, late=late)
            one = rehearse(database, settings, round_, chosen, now, until=last, applications=applications)
            found.append(one)
            if form == "table":
                typer.echo("\n".join(telling.lines(one)))
    if file is not None:
        _write(found, file)
    elif form == "json":
        typer.echo(telling.as_json(found))


def _write(found: list[Rehearsal], file: Path) -> None:
    file.write_text(FILES[file.suffix](found), "utf-8", newline="")
    typer.echo(f"{telling.tally(found)}: {file}")


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise Invalid({"until": f"--until takes a day such as 2022-12-31, not “{text}”."}) from error


def _file(form: str) -> Path | None:
    if form in ("table", "json"):
        return None
    if Path(form).suffix not in FILES:
        raise Invalid({"as": f"--as takes table, json, or a file that ends in .json or .csv, not “{form}”."})
    return Path(form)

"""``fund workflow …``: check, draw and compare definitions; give the fund a new version; change a round to one."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import typer
from sqlmodel import Session

from fund.base import versions
from fund.base.binding import open_gaps
from fund.base.clock import SystemClock
from fund.base.errors import Invalid, Misconfigured
from fund.base.migrating import NoPlace
from fund.base.soundness import faults, look_at, mixtures
from fund.commands import doors, told
from fund.governing import service
from workflows import Definition, DefinitionError, Level, library, shipped
from workflows.compare import compare as differences
from workflows.draw import mermaid, svg

app = typer.Typer(
    help="Workflow definitions: check, draw, compare, and change rounds to them.", no_args_is_help=True
)
File = Annotated[Path, typer.Argument(help="A workflow definition (TOML).")]
Files = Annotated[list[Path], typer.Argument(help="Workflow definitions (TOML).")]
VERSION = (
    "A file, a NAME (its newest version), NAME@VERSION, or the first 8 digits or more of a version's digest."
)


@app.command()
def check(
    files: Annotated[list[Path] | None, typer.Argument(help="Workflow definitions (TOML).")] = None,
) -> None:
    """Check definitions: one line for each finding; a non-zero exit if one is an error.

    They may speak of each other, of what the fund has, and of what is shipped. Without a file, what the fund goes by is
    checked: errors in what it keeps or ships, and rounds under way whose workflows do not go together.
    """
    doors.quiet_settings()
    if not files:
        _check_the_fund()
        return
    texts = {file: _text(file) for file in files}
    kin = _family(texts.values())
    found = [(file, finding) for file, text in texts.items() for finding in look_at(text, kin)]
    for file, finding in found:
        typer.echo(f"{file}: {finding}")
    if any(finding.level is Level.ERROR for _file, finding in found):
        raise typer.Exit(1)


def _check_the_fund() -> None:
    with doors.reading() as session:
        found, mixed = list(faults(session)), list(mixtures(session))
    for line in (*found, *mixed):
        typer.echo(line)
    if found:
        raise typer.Exit(1)
    if not mixed:
        typer.echo("Nothing is wrong with the workflows that the fund goes by.")


@app.command()
def draw(
    file: File,
    form: Annotated[Literal["svg", "mermaid"], typer.Option("--as", help="svg or mermaid.")] = "svg",
) -> None:
    """Draw stages, states and moves, as SVG or Mermaid, to standard output."""
    doors.quiet_settings()
    definition = _parsed(file, _text(file))
    typer.echo(svg(definition) if form == "svg" else mermaid(definition))


@app.command()
def compare(
    old: Annotated[str, typer.Argument(help=VERSION)],
    new: Annotated[str, typer.Argument(help=VERSION)],
    map_: Annotated[
        list[str] | None, typer.Option("--map", help="old=new: a state that was renamed.")
    ] = None,
) -> None:
    """Say in words what changes from one definition to another: one line for each difference."""
    doors.quiet_settings()
    before, after = _named(old), _named(new)
    for difference in differences(before, after, states=dict(map(told.pair, map_ or []))):
        typer.echo(str(difference))


@app.command("list")
def list_versions() -> None:
    """Every version that the fund knows, the latest of each name first."""
    with doors.reading() as session:
        for one in versions.known(session).values():
            typer.echo(f"{versions.key_of(one)}  {one.name}@{one.version}  for the subject {one.subject}")


@app.command()
def accept(files: Files) -> None:
    """Give the fund new versions, all or none. Rounds planned from now on follow them; rounds under way keep theirs.

    What has to follow before a round can be planned with them is told.
    """
    with doors.writing() as session:
        read = [(str(file), file.read_bytes()) for file in files]
        given = service.accept_all(session, None, read, SystemClock().now())
        gaps = open_gaps(session)
    for one in given:
        typer.echo(f"The fund has {one.name}@{one.version} ({versions.key_of(one)}).")
    for gap in gaps:
        typer.echo(f"No round with both can be planned yet: {gap.reason}.")


@app.command()
def migrate(
    round_: Annotated[str, typer.Argument(metavar="ROUND", help="The last part of the round's address.")],
    new: Annotated[list[str], typer.Argument(help=f"{VERSION} Several change together.")],
    map_: Annotated[
        list[str] | None, typer.Option("--map", help="old=new, or kind.old=new: where things go.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would happen, and change nothing.")
    ] = False,
) -> None:
    """Change a round to other versions of its workflows, with everything that is under way in it, or not at all.

    A file that the fund does not have yet becomes a new version of it.
    """
    with doors.reading() if dry_run else doors.writing() as session:
        now = SystemClock().now()
        files = {one: _given(Path(one)) for one in new if Path(one).is_file()}
        wanted = [_wanted(session, one, files, None if dry_run else now) for one in new]
        places = told.places(session, round_, wanted, map_ or [])
        try:
            if dry_run:
                made = service.preview(session, None, round_, wanted, places, now)
            else:
                made = service.change(session, None, round_, wanted, places, fingerprint=None, now=now)
        except NoPlace as left:
            raise Invalid({"map": told.without_place(left)}) from left
    for line in told.lines(made):
        typer.echo(line)
    typer.echo(
        "Dry run: nothing was changed." if dry_run else f"Done. The round follows {told.versions_of(made)}."
    )


def _family(texts: Iterable[str]) -> dict[str, Definition]:
    """The definitions that a file may speak of: those that the fund has, if there is one, and those in the texts."""
    try:
        with doors.reading() as session:
            found = versions.known(session)
    except Misconfigured:
        found = {name: shipped(name) for name in library()}
    for text in texts:
        with suppress(DefinitionError):
            one = Definition.parse(text)
            found[one.digest] = one
    return found


def _given(file: Path) -> Definition:
    return _parsed(file, service.text_of(file.read_bytes()))


def _wanted(session: Session, name: str, files: Mapping[str, Definition], now: datetime | None) -> Definition:
    """The definition that is meant; a file that the fund does not have yet is given to it, if there is a ``now``."""
    if name not in files:
        return versions.find(session, name)
    known, beside = versions.known(session), list(files.values())
    if files[name].digest in known:
        return known[files[name].digest]
    text = service.text_of(Path(name).read_bytes())
    if now is None:
        return service.acceptable(session, text, beside)
    return service.accept(session, None, text, now, beside)


def _named(name: str) -> Definition:
    """The definition that is meant: a file, else a version that the fund has; without a database a shipped one."""
    if Path(name).is_file():
        return _parsed(Path(name), _text(Path(name)))
    try:
        with doors.reading() as session:
            return versions.find(session, name)
    except Misconfigured:
        if name in library():
            return shipped(name)
        raise


def _parsed(file: Path, text: str) -> Definition:
    try:
        return Definition.parse(text)
    except DefinitionError as error:
        raise Misconfigured(f"{file}: {error.findings[0]}") from error


def _text(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise Misconfigured(f"{file} is not UTF-8 text.") from error

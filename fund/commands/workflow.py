"""``fund workflow …``: check and draw definitions."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from fund.base.errors import Misconfigured
from notifications.compose import template_names
from workflows import Definition, DefinitionError, Level, library, shipped
from workflows.check import check_text
from workflows.draw import mermaid, svg

app = typer.Typer(help="Workflow definitions: check and draw them.", no_args_is_help=True)
File = Annotated[Path, typer.Argument(help="A workflow definition (TOML).")]


@app.command()
def check(file: File) -> None:
    """Check a definition: one line for each finding; a non-zero exit if one is an error."""
    family = {name: shipped(name) for name in library()}
    findings = check_text(_text(file), templates=template_names(), family=family)
    for finding in findings:
        typer.echo(f"{file}: {finding}")
    if any(finding.level is Level.ERROR for finding in findings):
        raise typer.Exit(1)


@app.command()
def draw(
    file: File,
    form: Annotated[Literal["svg", "mermaid"], typer.Option("--as", help="svg or mermaid.")] = "svg",
) -> None:
    """Draw stages, states and moves, as SVG or Mermaid, to standard output."""
    try:
        definition = Definition.parse(_text(file))
    except DefinitionError as error:
        raise Misconfigured(f"{file}: {error.findings[0]}") from error
    typer.echo(svg(definition) if form == "svg" else mermaid(definition))


def _text(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise Misconfigured(f"{file} is not UTF-8 text.") from error

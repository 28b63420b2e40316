"""Write docs/settings.md from fund.base.settings, so that the two cannot differ."""

import enum
import sys
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from fund.base.settings import Settings

TARGET = Path(__file__).parents[1] / "docs" / "settings.md"
HEAD = """\
# Settings

Every setting is an environment variable. They are read once, when a command starts; a wrong one stops the command with
one line that names it. This page is made by `make settings`.

| variable | default | what it is |
| --- | --- | --- |
"""


def page() -> str:
    """The whole page."""
    prefix = Settings.model_config["env_prefix"]
    fields = Settings.model_fields.items()
    return HEAD + "".join(
        f"| `{prefix}{name.upper()}` | {_default(field)} | {_words(field)} |\n" for name, field in fields
    )


def _default(field: FieldInfo) -> str:
    value: Any = field.get_default(call_default_factory=False)
    if field.is_required():
        return "must be set"
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if isinstance(value, enum.Enum):
        value = value.value
    if isinstance(value, bool):
        value = str(value).lower()
    return "" if value in ("", None) else f"`{value}`"


def _words(field: FieldInfo) -> str:
    choices = get_args(field.annotation) if get_origin(field.annotation) is Literal else ()
    listed = "One of " + ", ".join(f"`{choice}`" for choice in choices) + "." if choices else ""
    return f"{field.description or ''} {listed}".strip().replace("|", "\\|")


def main() -> int:
    """Write the page; always succeeds."""
    TARGET.write_text(page(), encoding="utf-8")
    print(f"wrote {TARGET.name}: {len(Settings.model_fields)} settings")
    return 0


if __name__ == "__main__":
    sys.exit(main())

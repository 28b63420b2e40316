"""Every version of every definition that the fund knows: those that are stored, and those that are shipped."""

from sqlmodel import Session

from fund.base.definitions import newest, stored
from fund.base.errors import NotFound
from workflows import Definition, library, shipped

SHORT = 12
"""So many digits of its digest name a version in addresses and on the command line."""
SHORTEST = 8


def key_of(definition: Definition) -> str:
    """What a version is called in addresses and on the command line: it changes with any change of its file."""
    return definition.digest[:SHORT]


def known(session: Session) -> dict[str, Definition]:
    """Every definition that is stored or shipped, by its digest; by subject and name, the latest version first.

    A stored text that is none any more is left out; ``fund.base.soundness`` tells of it.
    """
    found = {shipped(name).digest: shipped(name) for name in library()}
    found |= {one.digest: one for one in stored(session).values()}
    in_order = sorted(found.values(), key=lambda one: (one.subject, one.name, -one.version))
    return {one.digest: one for one in in_order}


def find(session: Session, wanted: str) -> Definition:
    """A definition by name (its newest version), by ``name@version``, or by the beginning of its digest.

    Raises NotFound.
    """
    everything = known(session).values()
    name, _, version = wanted.partition("@")
    named = [one for one in everything if one.name == name]
    if named and not version:
        return newest(session, name)
    if named:
        named = [one for one in named if str(one.version) == version]
    elif len(wanted) >= SHORTEST:
        named = [one for one in everything if one.digest.startswith(wanted)]
    if not named:
        raise NotFound(f"The fund knows no workflow “{wanted[:100]}”.")
    return named[0]

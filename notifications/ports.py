"""What the parts that run by themselves need from the house around them: a database and a clock."""

from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from sqlalchemy import Engine
from sqlmodel import Session


class Database(Protocol):
    """``write`` is a unit of work that commits at its end or not at all; ``read`` only looks."""

    @property
    def dialect(self) -> str:
        """``sqlite`` or ``postgresql``."""
        ...

    @property
    def engine(self) -> Engine:
        """For what needs a connection of its own."""
        ...

    def write(self) -> AbstractContextManager[Session]:
        """A unit of work."""
        ...

    def read(self) -> AbstractContextManager[Session]:
        """A look."""
        ...


class Clock(Protocol):
    """Tells the present moment."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        ...

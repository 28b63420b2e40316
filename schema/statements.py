"""Statements that are put together once and handed to the driver as they are, for many rows at a time.

What a move reads and writes goes this way: between a statement of SQLAlchemy and its driver lies twenty times the work
of the driver itself. SQLAlchemy still writes the SQL, converts the values and names the errors. Rows in hand that a
statement changed are told to look again (``forget``).
"""

import json
from collections import namedtuple
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from typing import Any

from sqlalchemy import (
    ARRAY,
    Boolean,
    Connection,
    Date,
    DateTime,
    Dialect,
    Text,
    TypeDecorator,
    bindparam,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm.util import identity_key
from sqlalchemy.sql.elements import ClauseElement, ColumnElement
from sqlalchemy.types import TypeEngine
from sqlmodel import Session, SQLModel

Convert = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class _Ready:
    """A statement as one kind of database takes it."""

    sql: str
    by_name: bool
    """Whether the driver takes parameters by their names; else in the order of their marks."""
    names: Sequence[str]
    pick: Callable[[Mapping[str, Any]], Iterable[Any]]
    """The parameters of these names, in their order."""
    constants: Mapping[str, Any]
    """Parameters that the statement itself gives."""
    entering: Sequence[tuple[int, Convert]]
    """Which parameters are converted, and by what."""
    leaving: Sequence[tuple[int, Convert]]
    """The same for what it answers."""
    answered: Callable[[Iterable[Any]], Any]
    """Makes a named tuple of a row that it answers."""

    def values(self, given: Mapping[str, Any]) -> Any:
        """The parameters as the driver takes them."""
        known = {**self.constants, **given} if self.constants else given
        values = list(self.pick(known))
        _convert(values, self.entering)
        return dict(zip(self.names, values, strict=True)) if self.by_name else values

    def answer(self, row: Sequence[Any]) -> Any:
        """A row that the driver gave, with the values that SQLAlchemy would give."""
        if not self.leaving:
            return self.answered(row)
        values = list(row)
        _convert(values, self.leaving)
        return self.answered(values)


def _convert(values: list[Any], converters: Iterable[tuple[int, Convert]]) -> None:
    for place, convert in converters:
        if values[place] is not None:
            values[place] = convert(values[place])


class Prepared:
    """A statement that is ready for the driver, and answers what SQLAlchemy would."""

    def __init__(self, statement: ClauseElement, columns: Sequence[str] | None = None) -> None:
        """``columns`` are those that an insert fills; without, its own parameters are all there are."""
        self._statement, self._columns = statement, columns
        self._ready: dict[str, _Ready] = {}

    def rows(self, session: Session, **parameters: Any) -> list[Any]:
        """What the statement answers, as named tuples, with everything that is in hand written before."""
        with self._cursor(session) as (cursor, ready):
            cursor.execute(ready.sql, ready.values(parameters))
            return [ready.answer(row) for row in cursor.fetchall()]

    def each(self, session: Session, parameters: Sequence[Mapping[str, Any]]) -> int:
        """Carry it out once for each of the parameters; how many rows it reached in all."""
        if not parameters:
            return 0
        with self._cursor(session) as (cursor, ready):
            if len(parameters) == 1:
                cursor.execute(ready.sql, ready.values(parameters[0]))
            else:
                cursor.executemany(ready.sql, [ready.values(one) for one in parameters])
            return int(cursor.rowcount)

    def keys(self, session: Session, parameters: Iterable[Mapping[str, Any]]) -> list[int]:
        """Carry out an insert that returns the key of its row; the keys in the order of the parameters."""
        found = []
        with self._cursor(session) as (cursor, ready):
            for one in parameters:
                cursor.execute(ready.sql, ready.values(one))
                found.append(int(cursor.fetchone()[0]))
        return found

    @contextmanager
    def _cursor(self, session: Session) -> Iterator[tuple[Any, _Ready]]:
        session.flush()
        connection = session.connection()
        dialect = connection.dialect
        ready = self._ready.get(dialect.name) or self._prepare(connection)
        cursor = connection.connection.cursor()
        error_type = dialect.loaded_dbapi.Error
        try:
            yield cursor, ready
        except error_type as error:
            raise DBAPIError.instance(ready.sql, None, error, error_type, dialect=dialect) from error
        finally:
            cursor.close()

    def _prepare(self, connection: Connection) -> _Ready:
        dialect = connection.dialect
        compiled: Any = self._statement.compile(dialect=dialect, column_keys=self._columns)
        names = list(compiled.positiontup if compiled.positional else compiled.binds)
        answered = getattr(self._statement, "exported_columns", {})
        row: Any = namedtuple("Row", answered.keys(), rename=True)  # type: ignore[misc]
        ready = _Ready(
            compiled.string,
            not compiled.positional,
            names,
            itemgetter(*names) if len(names) > 1 else lambda given: [given[name] for name in names],
            {name: bind.value for name, bind in compiled.binds.items() if not bind.required},
            _places(_entering(compiled.binds[name].type, dialect) for name in names),
            _places(_leaving(column.type, dialect) for column in answered),
            row._make,
        )
        return self._ready.setdefault(dialect.name, ready)


class About:
    """A question about one key or about many.

    About one it compares: PostgreSQL plans that once, and a list anew each time.
    """

    def __init__(self, question: Callable[[Callable[[Any], Any]], ClauseElement]) -> None:
        """``question`` is given what makes, of a column, the condition that it holds one of the keys."""
        self.one = Prepared(question(lambda column: column == bindparam("key")))
        self.many = Prepared(question(lambda column: among(column, "keys")))

    def rows(self, session: Session, keys: Collection[Any], **parameters: Any) -> list[Any]:
        """What is answered about these keys."""
        if len(keys) == 1:
            return self.one.rows(session, key=next(iter(keys)), **parameters)
        return self.many.rows(session, keys=keys, **parameters) if keys else []


def _entering(of: TypeEngine[Any], dialect: Dialect) -> Convert | None:
    """What turns a value into what the driver takes. A move writes the same few moments a hundred times."""
    convert = of.dialect_impl(dialect).bind_processor(dialect)
    date = isinstance(of, DateTime | Date) or isinstance(getattr(of, "impl", None), DateTime)
    return lru_cache(maxsize=256)(convert) if convert and date else convert


def _leaving(of: TypeEngine[Any], dialect: Dialect) -> Convert | None:
    """What turns a value of the driver into that of the table's own type."""
    return of.dialect_impl(dialect).result_processor(dialect, None)


def _places(converters: Iterable[Convert | None]) -> list[tuple[int, Convert]]:
    return [(place, convert) for place, convert in enumerate(converters) if convert is not None]


class _Keys(TypeDecorator[list[Any]]):
    """A list as one parameter: an array, or text where there are none."""

    impl = Text
    cache_ok = True

    def __init__(self, of: TypeEngine[Any]) -> None:
        super().__init__()
        self.of = of

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return ARRAY(self.of) if dialect.name == "postgresql" else Text()

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        return list(value) if dialect.name == "postgresql" else json.dumps(list(value))


class among(ColumnElement[bool]):
    """Whether a column holds one of the keys that are given as the parameter ``name``: a list, whatever its length."""

    inherit_cache = False
    type = Boolean()

    def __init__(self, column: Any, name: str) -> None:
        self.column = column
        self.keys = bindparam(name, type_=_Keys(column.type))

    def self_group(self, against: Any = None) -> "among":
        """As it is: compared with 1, as SQLite's booleans are otherwise, no index would serve it."""
        return self


@compiles(among, "sqlite")
def _among_sqlite(element: among, compiler: Any, **options: Any) -> str:
    column, keys = (compiler.process(one, **options) for one in (element.column, element.keys))
    return f"{column} IN (SELECT value FROM json_each({keys}))"  # noqa: S608 - made of columns and marks only


@compiles(among, "postgresql")
def _among_postgresql(element: among, compiler: Any, **options: Any) -> str:
    column, keys = (compiler.process(one, **options) for one in (element.column, element.keys))
    return f"{column} = ANY ({keys})"


def forget(session: Session, table: type[SQLModel], keys: Iterable[int]) -> None:
    """Let the rows of these keys that are in hand be read again when somebody looks at them."""
    for key in keys:
        held = session.identity_map.get(identity_key(table, key))
        if held is not None:
            session.expire(held)

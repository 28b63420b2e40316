"""Statements that are put together once and handed to the driver as they are, for many rows at a time.

What a move reads and writes goes this way: between a statement of SQLAlchemy and its driver lies twenty times the work
of the driver itself. SQLAlchemy still writes the SQL, converts the values and names the errors. Rows in hand that a
statement changed are told to look again (``forget``).
"""

import json
from collections import namedtuple
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import (
    ARRAY,
    JSON,
    Boolean,
    Connection,
    Date,
    DateTime,
    Dialect,
    Text,
    TypeDecorator,
    bindparam,
    column,
    literal_column,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import SessionTransaction
from sqlalchemy.orm.util import identity_key
from sqlalchemy.sql import visitors
from sqlalchemy.sql.elements import BindParameter, ClauseElement, ColumnElement
from sqlalchemy.sql.functions import FunctionElement
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
    answers_rows: bool
    dialect: Dialect
    error: type[Exception]
    """What the driver raises."""

    def values(self, given: Mapping[str, Any]) -> Any:
        """The parameters as the driver takes them."""
        known = {**self.constants, **given} if self.constants else given
        values = list(self.pick(known))
        _convert(values, self.entering)
        return dict(zip(self.names, values, strict=True)) if self.by_name else values

    def answers(self, found: Iterable[Sequence[Any]]) -> list[Any]:
        """The rows that the driver gave, with the values that SQLAlchemy would give."""
        if not self.leaving:
            return list(map(self.answered, found))
        rows = list(map(list, found))
        for row in rows:
            _convert(row, self.leaving)
        return list(map(self.answered, rows))


def _convert(values: list[Any], converters: Iterable[tuple[int, Convert]]) -> None:
    for place, convert in converters:
        value = values[place]
        if value is not None:
            values[place] = convert(value)


class _Door(NamedTuple):
    """What carries out all the statements of one transaction."""

    transaction: SessionTransaction | None
    connection: Connection
    cursor: Any


def _door(session: Session) -> _Door:
    """The one of the session's transaction, with everything that is in hand written before."""
    session.flush()
    known: _Door | None = session.info.get("door")
    if known and known.transaction is session.get_transaction() and session.is_active:
        return known
    connection = session.connection()
    door = _Door(session.get_transaction(), connection, connection.connection.cursor())
    session.info["door"] = door
    return door


def _failed(session: Session, ready: _Ready, error: Exception) -> Exception:
    """The error of the driver as SQLAlchemy would raise it. The cursor goes: SQLite's would keep the file open."""
    session.info.pop("door").cursor.close()
    return DBAPIError.instance(ready.sql, None, error, ready.error, dialect=ready.dialect)


class Prepared:
    """A statement that is ready for the driver, and answers what SQLAlchemy would."""

    def __init__(self, statement: ClauseElement, columns: Sequence[str] | None = None) -> None:
        """``columns`` are those that an insert fills; without, its own parameters are all there are."""
        self._statement: Any = statement
        self._columns = columns
        self._ready: dict[str, _Ready] = {}

    def rows(self, session: Session, **parameters: Any) -> list[Any]:
        """What the statement answers, as named tuples, with everything that is in hand written before."""
        cursor, ready = self._at(session)
        try:
            cursor.execute(ready.sql, ready.values(parameters))
            found = cursor.fetchall()
        except ready.error as error:
            raise _failed(session, ready, error) from error
        return ready.answers(found)

    def each(self, session: Session, parameters: Sequence[Mapping[str, Any]]) -> int:
        """Carry it out once for each of the parameters; how many rows it reached in all."""
        if not parameters:
            return 0
        cursor, ready = self._at(session)
        try:
            if len(parameters) == 1:
                cursor.execute(ready.sql, ready.values(parameters[0]))
                return int(cursor.rowcount)
            # One of its own: SQLite's keeps the file open until it is closed.
            with closing(cursor.connection.cursor()) as own:
                own.executemany(ready.sql, [ready.values(one) for one in parameters])
                return int(own.rowcount)
        except ready.error as error:
            raise _failed(session, ready, error) from error

    def rows_of_each(self, session: Session, parameters: Sequence[Mapping[str, Any]]) -> list[list[Any]]:
        """What it answers for each of the parameters, as ``rows`` would; the database is waited for once."""
        (answers,) = together(session, Call(self, parameters))
        return [answer.rows for answer in answers]

    def keys(self, session: Session, parameters: Sequence[Mapping[str, Any]]) -> list[int]:
        """Carry out an insert that returns the key of its row; the keys in the order of the parameters."""
        return [int(row[0]) for (row,) in self.rows_of_each(session, parameters)]

    def ready_for(self, connection: Connection) -> _Ready:
        """The statement as the connection's database takes it: worked out once for each kind."""
        return self._ready.get(connection.dialect.name) or self._prepare(connection)

    def _at(self, session: Session) -> tuple[Any, _Ready]:
        door = _door(session)
        return door.cursor, self.ready_for(door.connection)

    def _prepare(self, connection: Connection) -> _Ready:
        dialect = connection.dialect
        spelled = visitors.replacement_traverse(self._statement, {}, _spelled(dialect))
        compiled: Any = spelled.compile(dialect=dialect, column_keys=self._columns)
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
            bool(answered),
            dialect,
            dialect.loaded_dbapi.Error,
        )
        return self._ready.setdefault(dialect.name, ready)


def _spelled(dialect: Dialect) -> Any:
    """Spells constants out: by them the database knows its partial indices, and one plan serves every time."""

    def spell(element: Any, **_: Any) -> Any:
        if not isinstance(element, BindParameter) or element.required:
            return None
        value = element.effective_value
        if not isinstance(value, str | int) or "%" in str(value):
            return None
        processor = element.type.dialect_impl(dialect).literal_processor(dialect)
        return literal_column(processor(value), element.type) if processor else None

    return spell


class Call(NamedTuple):
    """A statement that is to be carried out, once for each of the parameters."""

    statement: Prepared
    parameters: Sequence[Mapping[str, Any]]


class Answer(NamedTuple):
    """The rows that a statement answered, and how many it reached."""

    rows: list[Any]
    reached: int


def together(session: Session, *calls: Call) -> list[list[Answer]]:
    """Carry them out one after the other, for each of their parameters; the database is waited for once.

    What is in hand is written before. The answers stand in the order of the statements and of their parameters.
    """
    door = _door(session)
    steps = [
        _Step(call.statement.ready_for(door.connection), one) for call in calls for one in call.parameters
    ]
    piped = len(steps) > 1 and hasattr(door.cursor.connection, "pipeline")
    try:
        answers = iter(
            _piped(door.cursor.connection, steps) if piped else [one.at(door.cursor) for one in steps]
        )
    except door.connection.dialect.loaded_dbapi.Error as error:
        raise _failed(session, steps[0].ready, error) from error
    return [list(islice(answers, len(call.parameters))) for call in calls]


class _Step(NamedTuple):
    ready: _Ready
    parameters: Mapping[str, Any]

    def ask(self, cursor: Any) -> None:
        cursor.execute(self.ready.sql, self.ready.values(self.parameters))

    def answer(self, cursor: Any) -> Answer:
        rows = self.ready.answers(cursor.fetchall()) if self.ready.answers_rows else []
        return Answer(rows, int(cursor.rowcount))

    def at(self, cursor: Any) -> Answer:
        self.ask(cursor)
        return self.answer(cursor)


def _piped(driver: Any, steps: Sequence[_Step]) -> list[Answer]:
    """Each on a cursor of its own, sent without waiting for what the ones before it answer."""
    cursors = [driver.cursor() for _ in steps]
    with driver.pipeline():
        for step, cursor in zip(steps, cursors, strict=True):
            step.ask(cursor)
    return [step.answer(cursor) for step, cursor in zip(steps, cursors, strict=True)]


class About:
    """A question about one key or about many.

    About one it compares: PostgreSQL takes any list for ten keys long.
    """

    def __init__(self, question: Callable[[Callable[[Any], Any]], ClauseElement]) -> None:
        """``question`` is given what makes, of a column, the condition that it holds one of the keys."""
        self.one = Prepared(question(lambda column: column == bindparam("key")))
        self.many = Prepared(question(lambda column: among(column, "keys")))

    def rows(self, session: Session, keys: Collection[Any], **parameters: Any) -> list[Any]:
        """What is answered about these keys."""
        if not keys:
            return []
        statement, (given,) = self.call(keys, **parameters)
        return statement.rows(session, **given)

    def call(self, keys: Collection[Any], **parameters: Any) -> Call:
        """The question about these keys, of which there are some, to be asked together with others."""
        if len(keys) == 1:
            return Call(self.one, [{"key": next(iter(keys))} | parameters])
        return Call(self.many, [{"keys": keys} | parameters])


def _entering(of: TypeEngine[Any], dialect: Dialect) -> Convert | None:
    """What turns a value into what the driver takes."""
    convert = of.dialect_impl(dialect).bind_processor(dialect)
    if not convert or not isinstance(of, JSON):
        return _remembering(of, convert)
    nothing = convert({})  # as most messages say beside what is looked up
    return lambda value: nothing if value == {} else convert(value)


def _leaving(of: TypeEngine[Any], dialect: Dialect) -> Convert | None:
    """What turns a value of the driver into that of the table's own type."""
    return _remembering(of, of.dialect_impl(dialect).result_processor(dialect, None))


def _remembering(of: TypeEngine[Any], convert: Convert | None) -> Convert | None:
    """The same few moments are written, and read, a hundred times."""
    moment = isinstance(of, DateTime | Date) or isinstance(getattr(of, "impl", None), DateTime)
    return lru_cache(maxsize=256)(convert) if convert and moment else convert


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
    # A list that it cannot see through is planned once, whatever its length; another one anew each time.
    column, keys = (compiler.process(one, **options) for one in (element.column, element.keys))
    return f"{column} = ANY (ARRAY(SELECT unnest({keys})))"


class _elements(FunctionElement[Any]):
    """The elements of a JSON list, as rows."""

    inherit_cache = True


@compiles(_elements, "sqlite")
def _elements_sqlite(element: _elements, compiler: Any, **options: Any) -> str:
    return f"json_each({compiler.process(element.clauses, **options)})"


@compiles(_elements, "postgresql")
def _elements_postgresql(element: _elements, compiler: Any, **options: Any) -> str:
    return f"json_array_elements({compiler.process(element.clauses, **options)})"


def given(name: str) -> Any:
    """The mappings that are given as the list ``name``, each a row of which ``[key]`` is asked."""
    return _elements(bindparam(name, type_=JSON)).table_valued(column("value", JSON), name=name).c.value


def forget(session: Session, table: type[SQLModel], keys: Iterable[int]) -> None:
    """Let the rows of these keys that are in hand be read again when somebody looks at them."""
    for key in keys:
        held = session.identity_map.get(identity_key(table, key))
        if held is not None:
            session.expire(held)

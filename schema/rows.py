"""Whole rows by prepared statements: read as the session's own objects, and written many at a time."""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any, Generic, TypeVar
from typing import cast as as_type

from sqlalchemy import (
    JSON,
    Select,
    Table,
    Text,
    bindparam,
    cast,
    func,
    inspect,
    literal,
    literal_column,
    select,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Mapper
from sqlalchemy.orm.attributes import instance_state, set_committed_value
from sqlmodel import Session, SQLModel

from schema.statements import About, Prepared

Row = TypeVar("Row", bound=SQLModel)


def table_of(model: type[SQLModel]) -> Table:
    """The table in which rows of the model are stored."""
    return as_type(Table, inspect(model).local_table)


class Whole(Generic[Row]):
    """Whole rows of a table, read as the session's own objects: what its mapper answers, at a fifth of the cost.

    A row that was in hand is the same object, read anew.
    """

    def __init__(self, model: type[Row], column: Any, *, lock: bool = False) -> None:
        """They are asked for by what they have in ``column``, and kept from others until the end with ``lock``."""
        self._mapper: Mapper[Row] = inspect(model)
        table = table_of(model)
        self._names = [self._mapper.get_property_by_column(column).key for column in table.c]
        self._key = [list(table.c).index(column) for column in table.primary_key]
        asked = select(*table.c).order_by(*table.primary_key)
        asked = asked.with_for_update() if lock else asked
        self.question = About(lambda these: asked.where(these(column)))

    def of(self, session: Session, keys: Collection[Any]) -> list[Row]:
        """The rows with one of these keys in the column, in the order of their own."""
        return [self._object(session, values) for values in self.question.rows(session, keys)]

    def _object(self, session: Session, values: Sequence[Any]) -> Row:
        columns = zip(self._names, values, strict=True)
        key = self._mapper.class_, tuple([values[place] for place in self._key]), None
        held = session.identity_map.get(key)
        if held is not None:
            for name, value in columns:
                set_committed_value(held, name, value)
            return held
        row = self._mapper.class_manager.new_instance()
        vars(row).update(columns)
        # As the mapper does with what it loads: added to the session as a new row is, it costs four times as much.
        state = instance_state(row)
        state.key, state.session_id = key, session.hash_key
        session.identity_map.add(state)
        return row


class Insert:
    """New rows of a table, any number with one call.

    PostgreSQL takes several out of one JSON text in a single statement: a statement for each costs it more than the
    row, and reading the text more than a row that comes alone. SQLite carries out one for each, which costs it nothing.
    """

    def __init__(
        self,
        model: type[SQLModel],
        columns: Sequence[str],
        *,
        same: Mapping[str, str | int] | None = None,
        once: str | None = None,
    ) -> None:
        """``columns`` are given with each row, ``same`` holds what is the same in all; others are left empty.

        A row that is there already, by its column ``once``, is left out by the database itself.
        """
        table, same = table_of(model), same or {}
        each: Any = {name: bindparam(name) for name in columns} | dict(same)
        one: Any = postgresql.insert(table).values(each).inline()
        many: Any = postgresql.insert(table).from_select([*columns, *same], _given(table, columns, same))
        if once:
            one, many = (some.on_conflict_do_nothing(index_elements=[once]) for some in (one, many))
        key = next(iter(table.primary_key))
        self._one, self._many = Prepared(one), Prepared(many)
        self._one_key, self._many_keys = Prepared(one.returning(key)), Prepared(many.returning(key))

    def write(self, session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write the rows."""
        if len(rows) > 1 and _takes_json(session):
            self._many.each(session, [{"rows": _json(rows)}])
        else:
            self._one.each(session, rows)

    def keys(self, session: Session, rows: Sequence[Mapping[str, Any]]) -> list[int]:
        """Write the rows and answer their keys, in the same order."""
        if not rows:
            return []
        if len(rows) > 1 and _takes_json(session):
            # Numbered in the order in which they are given.
            return sorted(key for (key,) in self._many_keys.rows(session, rows=_json(rows)))
        return self._one_key.keys(session, rows)


def _given(table: Table, columns: Sequence[str], same: Mapping[str, str | int]) -> Select[Any]:
    """The rows that stand in the JSON text, in its order."""
    text = cast(bindparam("rows", type_=Text()), JSON)
    found = func.json_populate_recordset(literal_column(f"NULL::{table.name}"), text)
    rows = found.table_valued(*columns, with_ordinality="ordinality")
    each = [rows.c[name] for name in columns]
    return select(*each, *map(literal, same.values())).order_by(rows.c.ordinality)


def _takes_json(session: Session) -> bool:
    return session.get_bind().dialect.name == "postgresql"


def _day_or_moment(value: date) -> str:
    return value.isoformat()


_json = json.JSONEncoder(default=_day_or_moment).encode

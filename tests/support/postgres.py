"""A PostgreSQL server for the tests: found, started once for all test processes, stopped with the last."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy import make_url

OPTIONS = {
    "listen_addresses": "''",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "timezone": "UTC",
}
"""Quick because nobody needs the data of a test after a power cut."""

END_OTHERS = """
SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""
TABLES = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
SHAPE = """
SELECT count(*), sum(hashtext(thing)) FROM (
    SELECT concat_ws(' ', oid, relfilenode, reltuples) AS thing FROM pg_class WHERE oid >= 16384 AND relkind <> 'S'
    UNION ALL SELECT oid::text FROM pg_constraint WHERE oid >= 16384
    UNION ALL SELECT oid::text FROM pg_trigger WHERE oid >= 16384
    UNION ALL SELECT oid::text FROM pg_proc WHERE oid >= 16384
    UNION ALL SELECT concat_ws(' ', attrelid, attname, atttypid, attnotnull, atthasdef)
        FROM pg_attribute WHERE attrelid >= 16384
) things
"""
"""Tables, columns, what is checked, and whether the server has looked at what is usual in a table."""


def find_programs() -> Path | None:
    """The folder of initdb and pg_ctl (the newest of Debian's, else the PATH's); None where there is none."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    on_path = shutil.which("pg_ctl")
    candidates = [*reversed(folders), *([Path(on_path).resolve().parent] if on_path else [])]
    return next(
        (path for path in candidates if (path / "initdb").exists() and (path / "pg_ctl").exists()), None
    )


def available() -> bool:
    """Whether tests that need PostgreSQL can run here; FUND_TEST_POSTGRES_URL=none leaves them out on purpose."""
    given = os.environ.get("FUND_TEST_POSTGRES_URL")
    return given != "none" if given else find_programs() is not None


class Server:
    """A server of the tests' own in ``folder``, reached through a socket there."""

    def __init__(self, folder: Path) -> None:
        programs = find_programs()
        assert programs is not None, "PostgreSQL is not installed"
        self.folder = folder
        self._programs = programs

    @property
    def url(self) -> str:
        """The address of its maintenance database."""
        return f"postgresql+psycopg://fund@/postgres?host={self.folder}"

    def start(self) -> None:
        """Make the cluster and start it; it goes on when this process ends."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        if os.geteuid() == 0:
            user = pwd.getpwnam(_unprivileged_user())
            os.chown(self.folder, user.pw_uid, user.pw_gid)
        self._run(
            "initdb", "--no-sync", "--auth=trust", "--username=fund", "--encoding=UTF8", "--locale=C.UTF-8"
        )
        options = {**OPTIONS, "unix_socket_directories": str(self.folder)}
        flags = " ".join(f"-c {name}={value}" for name, value in options.items())
        self._run("pg_ctl", "--wait", f"--log={self.folder / 'log'}", f"--options={flags}", "start")

    def restart(self) -> None:
        """Stop it as an administrator does, and start it again."""
        self._run("pg_ctl", "--wait", f"--log={self.folder / 'log'}", "--mode=fast", "restart")

    def stop(self) -> None:
        """Stop it at once, whatever it is doing. Does nothing where it is not running."""
        if (self.folder / "data" / "postmaster.pid").exists():
            self._run("pg_ctl", "--wait", "--mode=immediate", "stop")

    def _run(self, program: str, *arguments: str) -> None:
        command = [
            *_as_unprivileged(),
            str(self._programs / program),
            f"--pgdata={self.folder / 'data'}",
            *arguments,
        ]
        # Output goes to a file: a pipe would be kept open by the server, which outlives pg_ctl.
        with (self.folder.parent / "postgres.log").open("a+") as log:
            done = subprocess.run(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd="/")
            if done.returncode:
                log.seek(0)
                raise RuntimeError(f"{program} failed:\n{log.read()}")


def _unprivileged_user() -> str:
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _as_unprivileged() -> list[str]:
    if os.geteuid() != 0:
        return []
    user = _unprivileged_user()
    if shutil.which("setpriv"):
        group = str(pwd.getpwnam(user).pw_gid)
        return ["setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups"]
    return ["runuser", "-u", user, "--"]


def create_database(server_url: str, name: str, template: str = "template0") -> str:
    """Make database ``name`` as a copy of ``template``; its address."""
    make = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
    with _maintenance(server_url) as connection:
        if connection.info.server_version >= 150_000:  # which would otherwise log every page: twice as slow
            make += sql.SQL(" STRATEGY FILE_COPY")
        connection.execute(make)
    return make_url(server_url).set(database=name).render_as_string(hide_password=False)


def drop_database(server_url: str, name: str) -> None:
    """Remove database ``name`` with whoever is still connected to it."""
    with _maintenance(server_url) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def names_of_databases(server_url: str, start: str) -> list[str]:
    """The databases of the server whose names start so."""
    with _maintenance(server_url) as connection:
        asked = "SELECT datname FROM pg_database WHERE starts_with(datname, %s)"
        return [name for (name,) in connection.execute(asked, (start,))]


class Emptied:
    """A database that can be as new again: taking its rows out is ten times as quick as copying another."""

    def __init__(self, url: str) -> None:
        self.url = url
        with _maintenance(url) as connection:
            tables = [name for (name,) in connection.execute(TABLES)]
            filled = [name for name in tables if connection.execute(_rows(name)).fetchone() != (None,)]
            self._kept = sql.SQL("; ").join(map(_rows, filled))
            self._empty = sql.SQL("; ").join(
                [
                    sql.SQL("BEGIN; SET LOCAL session_replication_role = replica"),  # in whatever order
                    *(
                        sql.SQL("DELETE FROM {}").format(sql.Identifier(name))
                        for name in tables
                        if name not in filled
                    ),
                    sql.SQL("SELECT setval(seqrelid, seqstart, false) FROM pg_sequence; COMMIT"),
                ]
            )
            self._looks = self._look(connection)

    def again(self) -> bool:
        """End all connections and take out what was written; False where more than rows was changed, or it cannot."""
        try:
            with _maintenance(self.url) as connection:
                connection.execute(END_OTHERS)
                connection.execute(self._empty)
                return self._look(connection) == self._looks
        except psycopg.Error:  # it was dropped, or an account that is given may not do this
            return False

    def _look(self, connection: psycopg.Connection) -> list[object]:
        return [connection.execute(asked).fetchall() for asked in (SHAPE, self._kept)]


def _rows(table: str) -> sql.Composed:
    return sql.SQL("SELECT string_agg(t::text, ';' ORDER BY t::text) FROM {} t").format(sql.Identifier(table))


@contextmanager
def _maintenance(server_url: str) -> Iterator[psycopg.Connection]:
    plain = make_url(server_url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        yield connection

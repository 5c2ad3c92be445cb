"""The connection: which databases there are, how they are opened, and transactions whose errors are ours."""

from __future__ import annotations

import os
import sqlite3 as sqlite_driver
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache, wraps
from pathlib import Path
from typing import Any, TypeVar, cast

from filelock import FileLock, Timeout
from sqlalchemy import Connection, Engine, Table, create_engine, event, make_url, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError as BadUrl
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from sinanews.config import program
from sinanews.exceptions import ArgumentError, CatalogueError, CatalogueLost
from sinanews.prepared import Prepared

#: Both dialects can insert-or-update, in the same words; SQLAlchemy's common insert cannot.
INSERT: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
BUSY_TIMEOUT = 60  #: seconds to wait for another process's lock before giving up
BUSY_PAUSE = 0.01  #: seconds between two tries to get it
OUTAGE = 120  #: seconds to wait for a server that was there and is not, before giving up
OUTAGE_PAUSE = 0.2  #: seconds between two looks whether it is back
TRIES = 5  #: of a transaction in whose middle the connection breaks
#: A process that is frozen in the middle of a transaction keeps all others waiting no longer than this: PostgreSQL ends
#: it, and the process does it again once it goes on.
IDLE_TIMEOUT = "SET idle_in_transaction_session_timeout = '30s'"
#: What a connection notices by when the other machine is gone, unless the URL says it otherwise (libpq's names).
NOTICE = {"connect_timeout": "10", "keepalives_idle": "30", "keepalives_interval": "10", "keepalives_count": "3"}
#: Two numbers that nothing else in a PostgreSQL database locks: for making its tables, and for writing to them.
SETUP_LOCK, WRITE_LOCK = 0x73696E62, 0x73696E61
WRITES = "sinanews_writes"  #: execution option of a connection: whether its transactions may write


Result = TypeVar("Result")
Method = TypeVar("Method", bound=Callable[..., Any])


def again_where_lost(do: Method) -> Method:
    """For a method that is one transaction, and comes to the same where it is done twice: see ``surely``."""

    @wraps(do)
    def patient(part: Any, *args: Any, **kwargs: Any) -> Any:
        database: Database = part if isinstance(part, Database) else part.database
        return database.surely(lambda: do(part, *args, **kwargs))

    return cast(Method, patient)


class Database:
    """An engine for a SQLAlchemy URL; every driver error becomes a CatalogueError of one line."""

    def __init__(self, url: str, give_up: Callable[[], bool] = lambda: False, *, read_only: bool = False) -> None:
        """Raises ArgumentError for a URL that names no database we know.

        ``read_only``: the database itself refuses to write, and nothing is made where there is none.
        """
        self.url = _checked(url)
        #: Asked while a transaction waits for other writers: True ends the wait with an error.
        self.give_up = give_up
        self.engine = _reading_engine(self.url) if read_only else _engine(self.url)
        self._was_there = False  #: whether there has ever been a connection
        self._shared = threading.local()  #: its ``connection``: of the transaction that ``together`` has begun
        if self.engine.dialect.name == "sqlite":
            event.listen(self.engine, "begin", self._begin)

    def __str__(self) -> str:
        url = self.url.set(query={})  # which may hold a password too
        return url.render_as_string(hide_password=True)

    @property
    def path(self) -> Path | None:
        """The file, where the database is one."""
        is_file = self.url.get_backend_name() == "sqlite" and self.url.database not in (None, "", ":memory:")
        return Path(str(self.url.database)) if is_file else None

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """One transaction that may write, committed when the block ends well; it waits for other writers at its start.

        Inside ``together`` it joins that transaction. Raises CatalogueError, also where the wait is longer than
        BUSY_TIMEOUT or ``give_up`` says that it is no use.
        """
        with self._connection(writes=True) as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One transaction that only reads: on SQLite it waits for nobody. Raises CatalogueError."""
        with self._connection(writes=False) as connection:
            yield connection

    @contextmanager
    def together(self) -> Iterator[Connection]:
        """One transaction of all that this thread reads and writes in the block. Raises CatalogueError.

        Nobody else has one at the same time, so what one has read still holds when it writes. A nested one joins
        the outer.
        """
        if getattr(self._shared, "connection", None) is not None:
            yield self._shared.connection
            return
        with self._connection(writes=True) as connection:
            self._lock(connection, WRITE_LOCK)
            self.check(connection)
            self._shared.connection = connection
            try:
                yield connection
            finally:
                del self._shared.connection

    def check(self, connection: Connection) -> None:
        """Asked by each transaction of ``together``, before it does anything. Raises CatalogueError."""

    @contextmanager
    def _connection(self, writes: bool) -> Iterator[Connection]:
        shared: Connection | None = getattr(self._shared, "connection", None)
        if shared is not None:
            yield shared
            return
        try:
            with self._reached().execution_options(**{WRITES: writes}) as connection, connection.begin():
                yield connection
        except (SQLAlchemyError, sqlite_driver.Error) as error:  # the latter from the pragmas below
            # The driver's own words only, on one line: SQLAlchemy's would repeat statement and values.
            cause = error if isinstance(error, sqlite_driver.Error) else getattr(error, "orig", type(error).__name__)
            broken = type(cause) is sqlite_driver.DatabaseError  # its subclasses are locks, disks and mistakes of ours
            remedy = f"; move the file away, then: {program()} catalogue rebuild" if broken else ""
            lost = getattr(error, "connection_invalidated", False)
            kind = CatalogueLost if lost else CatalogueError
            raise kind(f"catalogue {self}: {' '.join(str(cause).split())}{remedy}") from None

    def _reached(self) -> Connection:
        """A connection. A server that was there before may be starting anew: it is waited for."""
        deadline = time.monotonic() + OUTAGE
        while True:
            try:
                connection = self.engine.connect()
                self._was_there = self.engine.dialect.name != "sqlite"
                return connection
            except OperationalError:
                if not self._was_there or time.monotonic() > deadline or self.give_up():
                    raise
            time.sleep(OUTAGE_PAUSE)

    def surely(self, do: Callable[[], Result]) -> Result:
        """What ``do`` comes to, done again where the connection broke in its middle, if it was no part of another's."""
        for _ in range(TRIES - 1):
            try:
                return do()
            except CatalogueLost:
                if getattr(self._shared, "connection", None) is not None:
                    raise
        return do()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """While the block runs no other process makes or migrates the tables of this database."""
        if self.path is not None:
            try:
                lock = FileLock(self.path.with_name(f"{self.path.name}.lock"))
                with lock.acquire(timeout=BUSY_TIMEOUT, cancel_check=self.give_up):
                    yield
            except Timeout:
                raise CatalogueError(f"catalogue {self}: another process has been setting it up for long") from None
            except OSError as error:
                raise CatalogueError(f"catalogue {self}: cannot make its lock file: {error.strerror}") from None
        else:
            with self.read() as connection:
                self._lock(connection, SETUP_LOCK)
                yield

    def _lock(self, connection: Connection, key: int) -> None:
        """Until the transaction ends. SQLite has one writer anyway: its BEGIN has waited for the others."""
        if self.engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})

    def _begin(self, connection: Connection) -> None:
        """SQLite's BEGIN, said by us: its driver would begin too late, and wait where nobody can interrupt it."""
        if connection.get_execution_options().get(WRITES):
            _patiently(lambda: connection.exec_driver_sql("BEGIN IMMEDIATE"), self.give_up)
        else:
            connection.exec_driver_sql("BEGIN")

    def vacuum(self) -> str | None:
        """Write a SQLite file anew, without what was deleted; None, or why it could not be.

        Others can write only when it is done. It needs twice the file's room for that long.
        """
        self.engine.dispose()  # of this process nobody else may read
        try:
            with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                driver = connection.connection.driver_connection
                assert driver is not None
                driver.execute("VACUUM")
                (busy, *_) = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except (SQLAlchemyError, sqlite_driver.Error) as error:
            return f"{self} could not be written anew ({' '.join(str(error).split())})"
        return f"{self} is being read" if busy else None

    def close(self) -> None:
        self.engine.dispose()

    def upsert(
        self, connection: Connection, table: Table, values: Mapping[str, Any], new: Mapping[str, Any] | None = None
    ) -> None:
        """Insert, or update the row of that primary key; what is in ``new`` is written only where there is no row."""
        statement = _insert(self.engine.dialect.name, table, tuple(values), tuple(new or ()))
        statement.run(connection, {**values, **(new or {})})

    def insert_new(self, connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert the rows whose primary keys there are not; all rows have the same columns."""
        if rows:
            names = tuple(rows[0])
            _insert(self.engine.dialect.name, table, names, names).run(connection, rows)


@lru_cache(maxsize=500)
def _insert(dialect: str, table: Table, names: tuple[str, ...], new: tuple[str, ...]) -> Prepared:
    """Insert those columns, or update the row of that primary key but for what is ``new``."""
    insert = INSERT[dialect](table)
    keys, columns = [c.name for c in table.primary_key], [*names, *(name for name in new if name not in names)]
    rest = {name: insert.excluded[name] for name in names if name not in keys and name not in new}
    insert = insert.on_conflict_do_update(index_elements=keys, set_=rest) if rest else insert.on_conflict_do_nothing()
    return Prepared(insert, columns)


def _patiently(do: Callable[[], object], give_up: Callable[[], bool] = lambda: False) -> None:
    """Do what SQLite refuses while another process is at it, again and again; not where that takes too long."""
    deadline = time.monotonic() + BUSY_TIMEOUT
    while True:
        try:
            do()
            return
        except (OperationalError, sqlite_driver.OperationalError) as error:
            if "locked" not in str(error) or time.monotonic() > deadline or give_up():
                raise
            time.sleep(BUSY_PAUSE)


def _checked(url: str) -> URL:
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
    except (BadUrl, ValueError):
        raise ArgumentError(
            "SINANEWS_DATABASE is no database URL; write sqlite:///FILE or postgresql+psycopg://…"
        ) from None
    if backend not in INSERT:
        raise ArgumentError(f"SINANEWS_DATABASE: {backend} is not supported; use sqlite or postgresql")
    return parsed


def _engine(url: URL) -> Engine:
    if url.get_backend_name() != "sqlite":
        return _server(url)
    if url.database:
        try:
            Path(url.database).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CatalogueError(f"cannot make the folder of {url.database}: {error.strerror}") from None
    engine = _created(url, connect_args={"timeout": BUSY_PAUSE, "isolation_level": None})

    @event.listens_for(engine, "connect")
    def pragmas(connection: Any, _record: Any) -> None:
        # WAL: readers (status, report) never wait for a crawl. NORMAL: a power cut may lose the last commits,
        # never break the file; what is lost is fetched again.
        # Of processes that open a new file at once one alone can turn it to WAL, and the others are told to come back.
        _patiently(lambda: connection.execute("PRAGMA journal_mode=WAL"))
        connection.execute("PRAGMA synchronous=NORMAL")

    return engine


def _reading_engine(url: URL) -> Engine:
    if url.get_backend_name() != "sqlite":
        return _created(url, pool_pre_ping=True, connect_args={"options": "-c default_transaction_read_only=on"})
    path = Path(str(url.database)).absolute()

    def connect() -> sqlite_driver.Connection:
        # Beside a file in a folder that nobody may write to SQLite cannot keep its notes; such a file does not change.
        mode = "mode=ro" if os.access(path.parent, os.W_OK) else "mode=ro&immutable=1"
        options: dict[str, Any] = {"timeout": BUSY_TIMEOUT, "isolation_level": None, "check_same_thread": False}
        made: sqlite_driver.Connection = sqlite_driver.connect(f"{path.as_uri()}?{mode}", uri=True, **options)
        return made

    return _created(url, creator=connect)


def _server(url: URL) -> Engine:
    of_libpq = url.drivername.partition("+")[2] in ("", "psycopg", "psycopg2")
    notice = {name: value for name, value in NOTICE.items() if of_libpq and name not in url.query}
    engine = _created(url, pool_pre_ping=True, connect_args=notice)

    @event.listens_for(engine, "connect")
    def session(connection: Any, _record: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute(IDLE_TIMEOUT)
        connection.commit()

    return engine


def _created(url: URL, **options: Any) -> Engine:
    try:
        return create_engine(url, **options)
    except (ImportError, BadUrl) as error:
        cause = " ".join(str(error).split())
        remedy = "; pip install 'sinanews[cluster]'" if url.get_backend_name() == "postgresql" else ""
        raise ArgumentError(
            f"SINANEWS_DATABASE: the driver of {url.drivername} is not installed ({cause}){remedy}"
        ) from None

"""The queue's tables, made on first use and brought up to date: Procrastinate's and our own."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

from scrapy.settings import BaseSettings
from sqlalchemy import Connection, inspect, select

from sinanews.catalogue import Catalogue
from sinanews.catalogue.database import INSERT
from sinanews.catalogue.place import catalogue_url
from sinanews.cluster.tables import about, metadata
from sinanews.config import check_settings, exports_folder
from sinanews.exceptions import ArgumentError, CatalogueError

PROCRASTINATE = "procrastinate"  #: name of the row of ``about`` with its version


def shared_catalogue(settings: BaseSettings, give_up: Callable[[], bool] = lambda: False) -> Catalogue:
    """The catalogue of the settings, made where there is none; close it.

    Raises ArgumentError where it is a file, or where the engine is not installed.
    """
    check_settings(settings)
    url = catalogue_url(settings["SINANEWS_DATABASE"], exports_folder(settings["SINANEWS_EXPORTS"]))
    if not url.startswith("postgresql"):
        raise ArgumentError(
            "jobs and workers need PostgreSQL; set SINANEWS_DATABASE=postgresql+psycopg://USER:PASSWORD@HOST/NAME "
            "(README, More than one machine)"
        )
    if find_spec("procrastinate") is None or find_spec("psycopg_pool") is None:
        raise ArgumentError("jobs and workers need more than is installed: pip install 'sinanews[cluster]'")
    return Catalogue(url, give_up)


def has_queue(catalogue: Catalogue) -> bool:
    """Whether jobs were ever enqueued here, or a worker was started. Needs no engine installed."""
    if catalogue.engine.dialect.name != "postgresql":
        return False
    with catalogue.read() as connection:
        return inspect(connection).has_table(about.name)


def prepare_queue(catalogue: Catalogue) -> None:
    """See to it that the tables are those of the installed Procrastinate; any number of processes may do so at once.

    Raises CatalogueError where workers of an older version are still at work, or the tables are newer or not ours.
    """
    newest = _steps()[-1][0]
    with catalogue.read() as connection:
        if _version(connection) == newest:
            return
    with catalogue.alone(), catalogue.begin() as connection:
        before = _version(connection)
        if before is None:
            _make(connection, str(catalogue))
        elif before < newest:
            _upgrade(connection, before, catalogue)
        elif before > newest:
            raise CatalogueError(f"{catalogue}: its queue was made by a newer sinanews; upgrade this one")
        row = INSERT["postgresql"](about).values(name=PROCRASTINATE, value=newest)
        connection.execute(row.on_conflict_do_update(index_elements=["name"], set_={"value": newest}))


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table(about.name):
        return None
    return connection.scalar(select(about.c.value).where(about.c.name == PROCRASTINATE))


def _make(connection: Connection, name: str) -> None:
    from procrastinate.schema import SchemaManager

    if inspect(connection).has_table("procrastinate_jobs"):
        raise CatalogueError(f"{name} has a queue of another program's; give sinanews a database of its own")
    _run(connection, SchemaManager.get_schema())
    metadata.create_all(connection)


def _upgrade(connection: Connection, before: str, catalogue: Catalogue) -> None:
    workers = ", ".join(f"{row.host} (pid {row.pid})" for row in catalogue.workers.alive() if row.what == "worker")
    if workers:
        raise CatalogueError(
            f"{catalogue}: its queue has to be brought up to date; stop these workers first: {workers}"
        )
    for name, step in _steps():
        if name > before:
            _run(connection, step.read_text("utf-8"))


def _steps() -> list[tuple[str, Any]]:
    """Procrastinate's migrations, oldest first; they begin with their version."""
    from importlib.resources import files

    found = files("procrastinate.sql").joinpath("migrations").iterdir()
    return sorted((file.name, file) for file in found if file.name.endswith(".sql"))


def _run(connection: Connection, script: str) -> None:
    """Several statements as they are: a % in them is no parameter's."""
    connection.execution_options(no_parameters=True).exec_driver_sql(script)

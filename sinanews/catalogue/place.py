"""Where the catalogue is: in the exports folder, unless SINANEWS_DATABASE names another place."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from sinanews.config import absolute_database_url, project_folder
from sinanews.exceptions import ArgumentError

logger = logging.getLogger(__name__)
FILE = ".catalogue.db"
SAMPLE = 200  #: exported posts of a catalogue, the newest, that tell which folder it belongs to


def catalogue_url(database: str, exports: Path) -> str:
    """The SQLAlchemy URL for the values of SINANEWS_DATABASE and SINANEWS_EXPORTS (absolute).

    Version 1.0.0 kept the default catalogue in the project's own exports folder, wherever the posts were: one that
    names posts which lie in ``exports`` is used where it is. Raises ArgumentError where one of 1.0.0 would be left
    behind, naming both places.
    """
    if database:
        return absolute_database_url(database)
    here, old = exports / FILE, project_folder() / "exports" / FILE
    if here.exists() or here == old or not old.exists():
        return f"sqlite:///{here}"
    owner = _owner_of(old, exports)
    if owner.here > owner.there:
        logger.warning("the catalogue of the posts in %s is still %s", exports, old)
        return f"sqlite:///{old}"
    if owner.version == 1:
        raise ArgumentError(
            f"{exports} has no catalogue, and {old}, of sinanews 1.0.0, names no post in it; "
            f"set SINANEWS_DATABASE=sqlite:///{here} to begin a new one, or sqlite:///{old} to go on with that one"
        )
    return f"sqlite:///{here}"


class _Owner(NamedTuple):
    version: int | None
    here: int  #: posts of the sample that lie in the folder asked about
    there: int  #: and in the catalogue's own


def _owner_of(path: Path, exports: Path) -> _Owner:
    query = "SELECT path FROM articles WHERE state = 'exported' AND path IS NOT NULL ORDER BY exported_at DESC LIMIT ?"
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=5)) as connection:
            (version,) = connection.execute("SELECT version FROM schema_version").fetchone()
            posts = [str(post) for (post,) in connection.execute(query, (SAMPLE,))]
    except (sqlite3.Error, TypeError):
        return _Owner(None, 0, 0)
    here, there = (sum((folder / post).is_file() for post in posts) for folder in (exports, path.parent))
    return _Owner(version, here, there)

"""Reading and writing the articles of a catalogue; SQLite and PostgreSQL through SQLAlchemy Core."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, Connection, Row, Select, func, or_, select, update

from sinanews.catalogue.database import INSERT, Database
from sinanews.catalogue.migrations import prepare
from sinanews.catalogue.progress import ListingProgress
from sinanews.catalogue.runs import Runs
from sinanews.catalogue.seed_files import SeedFiles
from sinanews.catalogue.tables import article_channels, articles, revisions
from sinanews.duplicates import index
from sinanews.duplicates.decision import Alike, CopyOf, Known, TakesOver, decide
from sinanews.duplicates.fingerprint import Fingerprint, Sketch
from sinanews.items import ArticleItem
from sinanews.posts.folder import aside_path
from sinanews.posts.naming import file_id

FREE_RETRIES = 3  #: failures before the next try is put off
DONE = frozenset({"exported", "duplicate", "refused"})
ANSWER = ("answer", "answers", "answered_at")  #: columns of what a page answered that was no article


def next_try(attempts: int, now: datetime) -> dict[str, Any]:
    """The columns of an article that has failed once more: hours double up to a week, the first tries are free."""
    attempts += 1
    wait = timedelta(hours=min(2 ** (attempts - FREE_RETRIES), 168)) if attempts > FREE_RETRIES else None
    return {"attempts": attempts, "next_try_at": now + wait if wait else None}


@dataclass(frozen=True)
class Remembered:
    """What a run needs to know of an article before asking for it again."""

    id: str
    state: str
    channel: str | None
    listed_mtime: datetime | None
    recorded_at: datetime
    etag: str | None
    last_modified: str | None

    @property
    def done(self) -> bool:
        return self.state in DONE

    def older_than(self, mtime: datetime | None) -> bool:
        """Whether the list names an edit that we do not have."""
        return mtime is not None and mtime > (self.listed_mtime or self.recorded_at)


class Catalogue(Database):
    """The articles' side; ``listing``, ``runs`` and ``seed_files`` are the others. Every method is one transaction."""

    def __init__(self, url: str, give_up: Callable[[], bool] = lambda: False) -> None:
        """Open or make the catalogue at a SQLAlchemy URL; ``give_up`` as in Database.

        Raises ArgumentError for a URL that names no database we know, CatalogueError for one that cannot be opened.
        """
        super().__init__(url, give_up)
        self.listing = ListingProgress(self)
        self.runs = Runs(self)
        self.seed_files = SeedFiles(self)
        try:
            with self.alone(), self.begin() as connection:
                prepare(connection, str(self))
        except BaseException:
            self.close()
            raise

    # --- what is known ---------------------------------------------------------------------------------

    def article(self, article_id: str) -> Row[Any] | None:
        """The whole row of an article."""
        with self.read() as connection:
            return connection.execute(select(articles).where(articles.c.id == article_id)).one_or_none()

    def known(self, ids: Collection[str]) -> dict[str, Remembered]:
        """Those of the ids that the catalogue has a row for."""
        self._name_rebuilt(ids)
        a = articles.c
        columns = (a.id, a.state, a.channel, a.listed_mtime, a.recorded_at, a.etag, a.last_modified)
        with self.read() as connection:
            rows = connection.execute(select(*columns).where(a.id.in_(ids)))
            return {row.id: Remembered(*row) for row in rows}

    def _name_rebuilt(self, ids: Collection[str]) -> None:
        """Rows that a rebuild knew only by the digest in their file's name get their id."""
        digests = {file_id(one): one for one in ids if file_id(one) != one}
        with self.begin() as connection:
            for digest in connection.scalars(select(articles.c.id).where(articles.c.id.in_(digests))).all():
                taken = select(articles.c.id).where(articles.c.id == digests[digest]).exists()
                change = update(articles).where(articles.c.id == digest, ~taken)
                connection.execute(change.values(id=digests[digest]))
                index.rename(connection, digest, digests[digest])

    def channel_of(self, url: str) -> str | None:
        """The slug of the channel that listed a URL first, where one did."""
        with self.read() as connection:
            return connection.scalar(select(articles.c.channel).where(articles.c.url == url).limit(1))

    def known_urls(self, urls: Collection[str]) -> dict[str, str]:
        """url → id for those of the canonical URLs that are done."""
        with self.read() as connection:
            query = select(articles.c.url, articles.c.id).where(articles.c.url.in_(urls), articles.c.state.in_(DONE))
            return {row.url: row.id for row in connection.execute(query)}

    def known_of(self, item: ArticleItem, fingerprint: Fingerprint) -> Known:
        """What there is of an article, and of other exported ones with its address, its text or its story."""
        with self.read() as connection:
            row = connection.execute(select(articles).where(articles.c.id == item.id)).one_or_none()
            own: dict[str, Any] = {}
            if row is not None:
                own = {name: getattr(row, name) for name in ("path", "content_digest", "attempts", "revision")}
                own["exported"] = row.state == "exported"
                own["missing_pages"] = frozenset((row.missing_pages or "").split())
            return Known(**own, **self._others(connection, item.id, item.url, fingerprint))

    def _others(
        self, connection: Connection, article_id: str, url: str | None, fingerprint: Fingerprint
    ) -> dict[str, Any]:
        """The exported articles that one may be a copy of, as Known names them."""
        match = index.find(connection, fingerprint.sketch, but=article_id) if fingerprint.sketch is not None else None
        story = None
        if match is not None:
            media = connection.scalar(select(articles.c.media).where(articles.c.id == match.article_id))
            story = Alike(match.article_id, match.likeness, match.sketch, media)
        return {
            "same_url": _exported_with(connection, articles.c.url, url, article_id),
            "same_text": _exported_with(connection, articles.c.text_digest, fingerprint.text_digest, article_id),
            "same_story": story,
        }

    def unfinished(
        self,
        channels: Collection[str],
        now: datetime,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Sequence[Row[Any]]:
        """Articles of those channels that were listed but are not done and may be tried now, newest first."""
        query: Select[Any] = select(articles).where(
            articles.c.state.in_(("pending", "failed")),
            articles.c.channel.in_(channels),
            or_(articles.c.next_try_at.is_(None), articles.c.next_try_at <= now),
        )
        if since is not None:
            query = query.where(articles.c.published_at >= since)
        if until is not None:
            query = query.where(articles.c.published_at < until)
        with self.read() as connection:
            return connection.execute(query.order_by(articles.c.published_at.desc())).all()

    def incomplete(self, channels: Collection[str], now: datetime) -> Sequence[Row[Any]]:
        """The exported articles of those channels that lack pages and may be asked for again now, newest first."""
        query = select(articles).where(
            articles.c.missing_pages.is_not(None),
            articles.c.channel.in_(channels),
            articles.c.state == "exported",
            or_(articles.c.next_try_at.is_(None), articles.c.next_try_at <= now),
        )
        with self.read() as connection:
            return connection.execute(query.order_by(articles.c.published_at.desc())).all()

    def exported_since(self, channels: Collection[str], since: datetime) -> Sequence[Row[Any]]:
        """The exported articles of those channels published since a moment, newest first."""
        query = select(articles).where(
            articles.c.state == "exported",
            articles.c.url.is_not(None),
            articles.c.channel.in_(channels),
            articles.c.published_at >= since,
        )
        with self.read() as connection:
            return connection.execute(query.order_by(articles.c.published_at.desc())).all()

    # --- what happened to an article -------------------------------------------------------------------

    def listed(self, rows: Sequence[Mapping[str, Any]], channel: str, now: datetime) -> None:
        """Remember listed articles (id, url, title, published_at) as pending; known ones only gain the channel."""
        with self.begin() as connection:
            for row in rows:
                values = {**row, "state": "pending", "channel": channel, "first_seen_at": now, "recorded_at": now}
                insert = INSERT[self.engine.dialect.name](articles).values(**values, revision=0, attempts=0)
                connection.execute(insert.on_conflict_do_nothing())
                self.upsert(connection, article_channels, {"article_id": row["id"], "channel": channel})

    def record(
        self,
        article_id: str,
        now: datetime,
        *,
        replaces: str | None = None,
        sketch: Sketch | None = None,
        rivals_of: ArticleItem | None = None,
        takes_over: TakesOver | None = None,
        **values: Any,
    ) -> CopyOf | None:
        """Write what became of an article, all of it in one transaction: its state and any other columns.

        ``replaces`` is the key it was listed under, where the page then named another id. With a ``sketch`` later
        copies of its text are found, without one it stands for no story. An exported row that is exported anew leaves
        its digests behind. ``takes_over`` makes the first copy a copy of this one. ``rivals_of`` is the item itself,
        where another process may have exported a copy since the caller looked: that is returned, nothing written.
        What the page answered before is forgotten unless it is given again.
        """
        fresh = {"attempts": 0, "next_try_at": None, "answer": None, "answers": 0, "answered_at": None}
        values = {**fresh, **values, "id": article_id, "recorded_at": now}
        with self.begin() as connection:
            if rivals_of is not None and (rival := self._rival(connection, rivals_of, values, sketch)):
                return rival
            if replaces is not None and replaces != article_id:
                self._take_channels(connection, replaces, article_id)
            if values["state"] == "exported":
                self._keep_revision(connection, article_id, now)
            self._write_row(connection, article_id, now, values)
            index.remove(connection, article_id) if sketch is None else index.add(connection, article_id, sketch)
            if takes_over is not None:
                _supersede(connection, takes_over, article_id, now)
        return None

    def _rival(
        self, connection: Connection, item: ArticleItem, values: Mapping[str, Any], sketch: Sketch | None
    ) -> CopyOf | None:
        """The copy that another process has exported since the item was decided on; nobody exports one meanwhile."""
        index.lock(connection)
        fingerprint = Fingerprint(values.get("text_digest"), sketch)
        others = self._others(connection, item.id, values.get("url"), fingerprint)
        decision = decide(Known(**others), item, fingerprint, "mark")
        return decision if isinstance(decision, CopyOf) else None

    def _write_row(self, connection: Connection, article_id: str, now: datetime, values: Mapping[str, Any]) -> None:
        changed = connection.execute(update(articles).where(articles.c.id == article_id).values(**values))
        if not changed.rowcount:
            self.upsert(connection, articles, {"first_seen_at": now, "revision": 0, **values})
        if values.get("channel"):
            self.upsert(connection, article_channels, {"article_id": article_id, "channel": values["channel"]})

    def _take_channels(self, connection: Connection, listed_as: str, article_id: str) -> None:
        """The row under which an article was listed goes; the channels that listed it are the article's."""
        connection.execute(articles.delete().where(articles.c.id == listed_as, articles.c.state.notin_(DONE)))
        its = article_channels.c.article_id == listed_as
        for channel in connection.scalars(select(article_channels.c.channel).where(its)).all():
            self.upsert(connection, article_channels, {"article_id": article_id, "channel": channel})
        connection.execute(article_channels.delete().where(its))

    def _keep_revision(self, connection: Connection, article_id: str, now: datetime) -> None:
        """Keep the digests of what is about to be replaced."""
        a = articles.c
        query = select(a.revision, a.text_digest, a.file_digest, a.title)
        exported = query.where(a.id == article_id, a.state == "exported")
        for row in connection.execute(exported).mappings().all():
            self.upsert(connection, revisions, {"article_id": article_id, **row, "replaced_at": now})

    def paths_under(self, folder: str) -> Sequence[str]:
        """The paths of all articles that lie in a top folder of the exports."""
        with self.read() as connection:
            query = select(articles.c.path).where(articles.c.path.startswith(f"{folder}/", autoescape=True))
            return [str(path) for path in connection.scalars(query)]

    def touch(self, article_id: str, now: datetime, **values: Any) -> None:
        """Change single columns of a row that stays what it is."""
        with self.begin() as connection:
            changes = {**values, "recorded_at": now}
            connection.execute(update(articles).where(articles.c.id == article_id).values(**changes))

    def failed(self, article_id: str, reason: str, detail: str, now: datetime, **values: Any) -> None:
        """A failure that may pass: tried again by the next run, after three failures less and less often.

        Of an article that is done only what its page answered is kept, and when it is tried again if it lacks pages.
        """
        row = self.article(article_id)
        if row is not None and row.state in DONE:
            kept = {name: values[name] for name in ANSWER if name in values}
            if row.missing_pages:
                kept |= next_try(row.attempts, now)
            if kept:
                with self.begin() as connection:  # not touch(): recorded_at says how old the stored form is
                    connection.execute(update(articles).where(articles.c.id == article_id).values(**kept))
            return
        before = {name: getattr(row, name) for name in ANSWER} if row is not None else {}
        tries = next_try(row.attempts if row is not None else 0, now)
        values = {**before, **values, **tries, "reason": reason, "detail": detail[:500]}
        self.record(article_id, now, state="failed", **values)

    def count_states(self) -> dict[tuple[str, str | None], int]:
        """(state, reason) → how many articles."""
        query = select(articles.c.state, articles.c.reason, func.count()).group_by(articles.c.state, articles.c.reason)
        with self.read() as connection:
            return {(state, reason): number for state, reason, number in connection.execute(query)}


def _exported_with(connection: Connection, column: Column[Any], value: str | None, other_than: str) -> str | None:
    """The id of another exported article with that value; the oldest of them."""
    if not value:
        return None
    others = (column == value, articles.c.state == "exported", articles.c.id != other_than)
    query = select(articles.c.id).where(*others).order_by(articles.c.first_seen_at, articles.c.id)
    return connection.scalar(query.limit(1))


def _supersede(connection: Connection, decision: TakesOver, by: str, now: datetime) -> None:
    """A later and better copy takes an article's place; its own copies are now the later one's."""
    a, first = articles.c, decision.first
    path = connection.scalar(select(a.path).where(a.id == first))
    lost: dict[str, Any] = {"state": "duplicate", "reason": f"superseded_{decision.why}", "duplicate_of": by}
    lost |= {"path": aside_path(path) if path else None, "similarity": decision.similarity, "recorded_at": now}
    connection.execute(update(articles).where(a.duplicate_of == first).values(duplicate_of=by))
    connection.execute(update(articles).where(a.id == first).values(**lost))
    index.remove(connection, first)

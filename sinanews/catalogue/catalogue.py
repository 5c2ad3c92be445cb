"""Reading and writing the articles of a catalogue; SQLite and PostgreSQL through SQLAlchemy Core."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, Connection, Row, bindparam, literal_column, select, update

from sinanews.catalogue.attachments import AttachmentRows
from sinanews.catalogue.budgets import Budgets
from sinanews.catalogue.claims import Claims
from sinanews.catalogue.contents import Contents
from sinanews.catalogue.database import Database, again_where_lost
from sinanews.catalogue.due import Due
from sinanews.catalogue.forgotten import FORGOTTEN, ForgottenArticles
from sinanews.catalogue.migrations import SCHEMA_VERSION, check_version, prepare, version_of
from sinanews.catalogue.originals import Originals, rename_pages
from sinanews.catalogue.pictures import Pictures
from sinanews.catalogue.progress import ListingProgress
from sinanews.catalogue.runs import Runs
from sinanews.catalogue.search.index import SearchIndex
from sinanews.catalogue.seed_files import SeedFiles
from sinanews.catalogue.tables import ASIDE, COPY, article_channels, article_stocks, articles, contents, revisions
from sinanews.catalogue.workers import Workers
from sinanews.config import program
from sinanews.duplicates import index
from sinanews.duplicates.decision import Alike, Known, TakesOver
from sinanews.duplicates.fingerprint import Fingerprint, Sketch
from sinanews.exceptions import CatalogueError, StillAtWork
from sinanews.items import ArticleItem
from sinanews.listing.channels import company_of
from sinanews.posts.folder import aside_path
from sinanews.posts.naming import file_id
from sinanews.prepared import Prepared

PATIENCE = 20.0  #: seconds that a migration waits for the workers of an older version
FREE_RETRIES = 3  #: failures before the next try is put off
DONE = frozenset({"exported", "duplicate", "refused", FORGOTTEN})
#: The columns of what a page answered that was no article, where it answered nothing of the kind.
NO_ANSWER: dict[str, Any] = {"answer": None, "answers": 0, "answered_at": None}


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
        return self.state != FORGOTTEN and mtime is not None and mtime > (self.listed_mtime or self.recorded_at)


a = articles.c


def _exported_with(column: Column[Any], value: str) -> Any:
    """The id of another exported article with that value; the oldest of them."""
    others = (column == bindparam(value), a.state == literal_column("'exported'"), a.id != bindparam("id"))
    oldest = select(a.id).where(*others).order_by(a.first_seen_at, a.id)
    return oldest.limit(literal_column("1")).scalar_subquery()


# Made once: SQLAlchemy needs longer to make a statement than SQLite to run it.
_NEW = {"revision": 0}
_OWN = ("path", "file_digest", "content_digest", "attempts", "revision")  #: fields of Known and columns alike
_asked = select(literal_column("1").label("one")).subquery()  # a row, whatever there is of the article
_KNOWN_OF = Prepared(
    select(
        *(a[name] for name in _OWN),
        a.state,
        a.missing_pages,
        _exported_with(a.url, "url").label("same_url"),
        _exported_with(a.text_digest, "digest").label("same_text"),
    ).join_from(_asked, articles, a.id == bindparam("id"), isouter=True)
)
_KNOWN = select(a.id, a.state, a.channel, a.listed_mtime, a.recorded_at, a.etag, a.last_modified).where(
    a.id.in_(bindparam("ids", expanding=True))
)
_CHANNELS_OF = Prepared(select(article_channels.c.channel).where(article_channels.c.article_id == bindparam("id")))


class Catalogue(Database):
    """The articles' side; the others are the attributes that ``__init__`` makes.

    Every method is one transaction, or part of the one that ``together`` has begun.
    """

    def __init__(
        self, url: str, give_up: Callable[[], bool] = lambda: False, *, read_only: bool = False, search: bool = True
    ) -> None:
        """Open or make the catalogue at a SQLAlchemy URL; ``give_up`` as in Database. ``read_only``: make nothing.

        Without ``search`` (SINANEWS_SEARCH) what is recorded is not put into the full-text index.

        Raises ArgumentError for a URL that names no database we know, CatalogueError for one that cannot be opened.
        """
        super().__init__(url, give_up, read_only=read_only)
        self.attachments = AttachmentRows(self)
        self.contents = Contents(self)
        self.due = Due(self)
        self.forgotten = ForgottenArticles(self)
        self.listing = ListingProgress(self)
        self.originals = Originals(self)
        self.pictures = Pictures(self)
        self.runs = Runs(self)
        self.seed_files = SeedFiles(self)
        self.workers = Workers(self)
        self.search = SearchIndex(self, on=search)
        self.budgets = Budgets(self)
        #: Of the worker that has joined with this object, if one has.
        self.claims = Claims(self, self._take_channels)
        try:
            with self.read() as connection:
                version = version_of(connection)
            if version != SCHEMA_VERSION:
                if read_only:
                    raise CatalogueError(f"catalogue {self}: {_unlike(version)}")
                self._prepare()
            if search and not read_only:
                self.search.make()
        except BaseException:
            self.close()
            raise

    def _prepare(self) -> None:
        """Make or migrate the tables; workers of an older version have a while to leave."""
        deadline = time.monotonic() + PATIENCE
        with self.alone():
            while True:
                try:
                    with self.begin() as connection:
                        prepare(connection, str(self))
                    return
                except StillAtWork:
                    if time.monotonic() > deadline or self.give_up():
                        raise
                time.sleep(0.2)

    def check(self, connection: Connection) -> None:
        """Another program may have brought the tables on since they were opened: nothing is written to those."""
        check_version(connection, str(self))

    # --- what is known ---------------------------------------------------------------------------------

    @again_where_lost
    def article(self, article_id: str) -> Row[Any] | None:
        """The whole row of an article."""
        with self.read() as connection:
            return connection.execute(select(articles).where(a.id == article_id)).one_or_none()

    @again_where_lost
    def known(self, ids: Collection[str]) -> dict[str, Remembered]:
        """Those of the ids that the catalogue has a row for."""
        self._name_rebuilt(ids)
        with self.read() as connection:
            return {row.id: Remembered(*row) for row in connection.execute(_KNOWN, {"ids": list(ids)})}

    def _name_rebuilt(self, ids: Collection[str]) -> None:
        """Rows that a rebuild knew only by the digest in their file's name get their id."""
        named = {digest: one for one in ids if (digest := file_id(one)) != one}
        if not named:
            return
        with self.begin() as connection:
            for digest in connection.scalars(select(a.id).where(a.id.in_(named))).all():
                taken = select(a.id).where(a.id == named[digest]).exists()
                change = update(articles).where(a.id == digest, ~taken)
                connection.execute(change.values(id=named[digest]))
                its = update(contents).where(contents.c.article_id == digest)
                connection.execute(its.values(article_id=named[digest]))
                index.rename(connection, digest, named[digest])
                self.search.rename(connection, digest, named[digest])
                stocks = update(article_stocks).where(article_stocks.c.article_id == digest)
                connection.execute(stocks.values(article_id=named[digest]))

    @again_where_lost
    def channel_of(self, url: str) -> str | None:
        """The slug of the channel that listed a URL first, where one did."""
        with self.read() as connection:
            return connection.scalar(select(a.channel).where(a.url == url).limit(1))

    @again_where_lost
    def known_urls(self, urls: Collection[str]) -> dict[str, str]:
        """url → id for those of the canonical URLs that are done, or at which an article was that is forgotten."""
        with self.read() as connection:
            query = select(a.url, a.id).where(a.url.in_(urls), a.state.in_(DONE))
            return {row.url: row.id for row in connection.execute(query)} | self.forgotten.at(urls)

    def known_of(self, item: ArticleItem, fingerprint: Fingerprint | None) -> Known:
        """What there is of an article, and of other exported ones with its address, its text or its story.

        Within ``together`` nobody else records a copy before that ends.
        """
        with self.read() as connection:
            digest = fingerprint.text_digest if fingerprint is not None else None
            url = item.url if fingerprint is not None else None
            row = _KNOWN_OF.run(connection, {"id": item.id, "url": url, "digest": digest}).one()
            own: dict[str, Any] = {}
            if row.state is not None:
                own = {name: getattr(row, name) for name in _OWN}
                own["exported"] = row.state == "exported"
                own["missing_pages"] = frozenset((row.missing_pages or "").split())
            if fingerprint is None:
                return Known(**own)
            story = self._story(connection, item.id, fingerprint.sketch)
            return Known(**own, same_url=row.same_url, same_text=row.same_text, same_story=story)

    def _story(self, connection: Connection, article_id: str, sketch: Sketch | None) -> Alike | None:
        match = index.find(connection, sketch, but=article_id) if sketch is not None else None
        if match is None:
            return None
        media = connection.scalar(select(a.media).where(a.id == match.article_id))
        return Alike(match.article_id, match.likeness, match.sketch, media)

    def companies_of(self, ids: Collection[str]) -> set[str]:
        """The shares by whose lists any of the articles was named."""
        with self.read() as connection:
            slugs = [slug for one in ids for slug in _CHANNELS_OF.run(connection, {"id": one}).scalars()]
            return {found[0] for slug in slugs if (found := company_of(slug)) is not None}

    def unlisted_by(self, channel: str, ids: Collection[str]) -> Sequence[Row[Any]]:
        """The rows of those of the articles that are known, and that the channel has not listed before."""
        its = select(article_channels.c.article_id).where(
            article_channels.c.article_id == a.id, article_channels.c.channel == channel
        )
        with self.read() as connection:
            return connection.execute(select(articles).where(a.id.in_(ids), ~its.exists())).all()

    # --- what happened to an article -------------------------------------------------------------------

    def listed(self, rows: Sequence[Mapping[str, Any]], channel: str, now: datetime) -> None:
        """Remember listed articles (id, url, title, published_at) as pending; known ones only gain the channel.

        Nothing is remembered of what was forgotten, under whatever id it is listed.
        """
        gone = self.forgotten.among([row["id"] for row in rows]) if rows else set()
        at = self.forgotten.at([row["url"] for row in rows if row["url"]]) if rows else {}
        rows = [row for row in rows if row["id"] not in gone and row["url"] not in at]
        if not rows:
            return
        state = {"state": "pending", "channel": channel, "first_seen_at": now, "recorded_at": now}
        fresh = {"revision": 0, "attempts": 0, "answers": 0}
        with self.begin() as connection:
            self.insert_new(connection, articles, [{**row, **state, **fresh} for row in rows])
            self.add_channel(connection, channel, [row["id"] for row in rows])

    def add_channel(self, connection: Connection, channel: str, ids: Collection[str]) -> None:
        self.insert_new(connection, article_channels, [{"article_id": one, "channel": channel} for one in ids])

    def record(
        self,
        article_id: str,
        now: datetime,
        *,
        replaces: str | None = None,
        sketch: Sketch | None = None,
        takes_over: TakesOver | None = None,
        content: ArticleItem | None = None,
        verbatim: bool = False,
        why: str | None = None,
        **values: Any,
    ) -> None:
        """Write what became of an article, all of it in one transaction: its state and any other columns.

        ``replaces`` is the key it was listed under, where the page then named another id. With a ``sketch`` later
        copies of its text are found, without one it stands for no story. ``content`` is the article itself, kept as
        the ``revision`` that is recorded, ``verbatim`` where its body is as it came, ``why`` where no fetch made it;
        the one before stays. ``takes_over`` makes the first copy a copy of this one. What its page said is forgotten.
        """
        values = {"attempts": 0, "next_try_at": None, **NO_ANSWER, **values, "id": article_id, "recorded_at": now}
        with self.together() as connection:
            if replaces is not None and replaces != article_id:
                self._take_channels(connection, replaces, article_id)
            again = values["state"] != "exported" or values.get("revision") != 1
            if again and values["state"] == "exported":
                self._keep_revision(connection, article_id, now)
            self.upsert(connection, articles, values, {"first_seen_at": now, **({} if "revision" in values else _NEW)})
            if values.get("channel"):
                self.add_channel(connection, values["channel"], [article_id])
            if again or sketch is None:
                index.remove(connection, article_id)
            if sketch is not None:
                index.insert(connection, article_id, sketch)
            if content is not None:
                self.contents.put(connection, content, values["revision"], now, verbatim=verbatim, why=why)
                self.put_stocks(connection, article_id, content.stocks, anew=again)
            self._put_words(connection, values, content)
            if takes_over is not None:
                _supersede(connection, takes_over, article_id, now)
                self.search.remove(connection, takes_over.first)

    def _put_words(self, connection: Connection, values: Mapping[str, Any], content: ArticleItem | None) -> None:
        """An article is found by a search while it is exported."""
        if values["state"] != "exported":
            self.search.remove(connection, values["id"])
            return
        body = content.body_text if content is not None else ""
        about = values.get("revision", 0), values.get("title"), body, values.get("published_at")
        self.search.put(connection, values["id"], *about)

    def put_stocks(self, connection: Connection, article_id: str, stocks: Sequence[str], *, anew: bool = False) -> None:
        """The stocks that an article names, besides those that it has; ``anew``: in place of them."""
        if anew:
            connection.execute(article_stocks.delete().where(article_stocks.c.article_id == article_id))
        rows = [{"article_id": article_id, "stock": one[:40]} for one in dict.fromkeys(stocks)]
        self.insert_new(connection, article_stocks, rows)

    def _take_channels(self, connection: Connection, listed_as: str, article_id: str) -> None:
        """The row under which an article was listed goes; the channels that listed it are the article's."""
        connection.execute(articles.delete().where(a.id == listed_as, a.state.notin_(DONE)))
        rename_pages(connection, listed_as, article_id)
        its = article_channels.c.article_id == listed_as
        for channel in connection.scalars(select(article_channels.c.channel).where(its)).all():
            self.add_channel(connection, channel, [article_id])
        connection.execute(article_channels.delete().where(its))

    def _keep_revision(self, connection: Connection, article_id: str, now: datetime) -> None:
        """Keep the digests of what is about to be replaced."""
        query = select(a.revision, a.text_digest, a.file_digest, a.title)
        exported = query.where(a.id == article_id, a.state == "exported")
        for row in connection.execute(exported).mappings().all():
            self.upsert(connection, revisions, {"article_id": article_id, **row, "replaced_at": now})

    @again_where_lost
    def aside_paths(self) -> Sequence[str]:
        """The paths of all posts whose place a better copy has taken."""
        with self.read() as connection:
            return [str(path) for path in connection.scalars(select(a.path).where(ASIDE))]

    def touch(self, article_id: str, now: datetime, **values: Any) -> None:
        """Change single columns of a row that stays what it is."""
        with self.begin() as connection:
            changes = {**values, "recorded_at": now}
            connection.execute(update(articles).where(a.id == article_id, a.state != FORGOTTEN).values(**changes))

    def unchanged(self, article_id: str, now: datetime, **values: Any) -> None:
        """An article that is as we have it."""
        self.touch(article_id, now, **NO_ANSWER, **values)

    def refused(self, article_id: str, now: datetime, **values: Any) -> None:
        """An input that cannot become an article. What there is of it stays; no run asks for the same edit again."""
        row = self.article(article_id)
        if row is not None and row.state == FORGOTTEN:
            return
        if row is None or row.state not in ("exported", "duplicate"):
            self.record(article_id, now, state="refused", **values)
        elif "listed_mtime" in values:
            self.touch(article_id, now, listed_mtime=values["listed_mtime"])

    def failed(self, article_id: str, reason: str, detail: str, now: datetime, **values: Any) -> None:
        """A failure that may pass: tried again by the next run, after three failures less and less often.

        Of an article that is done only what its page answered is kept, and when it is tried again if it lacks pages.
        """
        row = self.article(article_id)
        if row is not None and row.state == FORGOTTEN:
            return
        if row is not None and row.state in DONE:
            kept = {name: values[name] for name in NO_ANSWER if name in values}
            if row.missing_pages:
                kept |= next_try(row.attempts, now)
            if kept:
                with self.begin() as connection:  # not touch(): recorded_at says how old the stored form is
                    connection.execute(update(articles).where(a.id == article_id).values(**kept))
            return
        before = {name: getattr(row, name) for name in NO_ANSWER} if row is not None else {}
        tries = next_try(row.attempts if row is not None else 0, now)
        values = {**before, **values, **tries, "reason": reason, "detail": detail[:500]}
        self.record(article_id, now, state="failed", **values)


def _unlike(version: int | None) -> str:
    """Why a catalogue of another version cannot be read without writing, and what to do."""
    if version is None:
        return f"there is none; {program()} crawl makes one"
    if version > SCHEMA_VERSION:
        return f"made by a newer sinanews (schema {version}); upgrade this one"
    return f"made by an older sinanews (schema {version}); {program()} status brings it up to date"


def _supersede(connection: Connection, decision: TakesOver, by: str, now: datetime) -> None:
    """A later and better copy takes an article's place; its own copies are now the later one's."""
    first = decision.first
    path = connection.scalar(select(a.path).where(a.id == first))
    lost: dict[str, Any] = {"state": "duplicate", "reason": f"superseded_{decision.why}", "duplicate_of": by}
    lost |= {"path": aside_path(path) if path else None, "similarity": decision.similarity, "recorded_at": now}
    connection.execute(update(articles).where(COPY, a.duplicate_of == first).values(duplicate_of=by))
    connection.execute(update(articles).where(a.id == first).values(**lost))
    index.remove(connection, first)

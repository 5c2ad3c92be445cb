"""What Datasette does not know of itself: our search, texts, views, and pages of articles."""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
from collections.abc import Callable
from itertools import islice
from typing import Any
from urllib.parse import quote

from datasette import hookimpl
from datasette.database import Database
from datasette.filters import FilterArguments
from datasette.utils import tilde_decode, tilde_encode
from datasette.utils.asgi import NotFound, Response
from markupsafe import Markup

from sinanews.exceptions import SinanewsError
from sinanews.out.archive import Archive
from sinanews.out.articles import safe
from sinanews.out.browse.views import HEADINGS, NAME, VIEWS

MOST_HITS = 10_000  #: the newest ones are searched among at most
_SCHEMA = re.compile(r"\b(?:main\.)?sqlite_(?:master|schema)\b", re.IGNORECASE)
#: What there is, to whoever asks SQLite: our views, and on request the catalogue's tables beside them.
_OURS, _ALL = "sqlite_temp_master", "(SELECT * FROM main.[sqlite_master] UNION ALL SELECT * FROM sqlite_temp_master)"
_HOSTS = re.compile(rb"(?:127\.0\.0\.1|localhost|\[::1\])(?::\d+)?")
#: Pages of others' texts: no script of theirs runs, nothing is asked for but pictures and films.
_POLICY = (
    "default-src 'none'; img-src 'self' https: data:; media-src https:; style-src 'self' 'unsafe-inline'; "
    "script-src {scripts}; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_NO_SCRIPT = _POLICY.format(scripts="'none'")
_OWN_SCRIPTS = _POLICY.format(scripts="'self' 'unsafe-inline'")  # Datasette's pages have some in them


class Views(Database):  # type: ignore[misc]  # Datasette has no types
    """A catalogue's file, read-only, of which one sees the views; they live in each connection, never in the file."""

    def __init__(self, datasette: Any, path: str, everything: bool) -> None:
        super().__init__(datasette, path=path, is_mutable=True)
        self.seen = _ALL if everything else _OURS

    def connect(self, write: bool = False) -> sqlite3.Connection:
        if write:
            raise sqlite3.OperationalError("the archive is only read here")
        seen = self.seen

        class Cursor(sqlite3.Cursor):
            def execute(self, sql: str, *values: Any) -> Any:
                return super().execute(_SCHEMA.sub(seen, sql), *values)

        class Connection(sqlite3.Connection):
            def cursor(self, *_: Any) -> Any:
                return super().cursor(Cursor)

            def execute(self, sql: str, *values: Any) -> Any:
                return super().execute(_SCHEMA.sub(seen, sql), *values)

        uri = f"file:{quote(str(self.path))}?mode=ro"
        connection = sqlite3.connect(uri, uri=True, check_same_thread=False, factory=Connection)
        for name, select in VIEWS.items():
            connection.execute(f"CREATE TEMP VIEW {name} AS {select}")
        self._all_file_connections.append(connection)
        return connection


class Plugin:
    """Hooks of Datasette, for one archive."""

    __name__ = "sinanews"

    def __init__(self, archive: Archive) -> None:
        self.archive = archive

    @hookimpl
    def prepare_connection(self, conn: Any, database: str) -> None:
        if database == NAME:
            conn.create_function("search", 1, _told(self.search))
            conn.create_function("body", 1, _told(self.body))

    def search(self, query: str) -> str:
        """A JSON list of ids, the newest first."""
        return json.dumps(list(islice(self.archive.find(query), MOST_HITS)))

    def body(self, article_id: str) -> str | None:
        article = self.archive.get(article_id)
        return article.body_text if article is not None else None

    @hookimpl(trylast=True)
    def filters_from_request(self, request: Any, database: str, table: str) -> Any:
        """The search box: Datasette's own knows nothing of how the texts are indexed."""
        if database != NAME or table not in ("news", "copies"):
            return None
        query = (request.args.get("_search") or "").strip()
        context = {"supports_search": True, "search": query}
        if not query:
            return FilterArguments([], extra_context=context)
        found = f"id IN (SELECT value FROM json_each(:{table}_ids))"
        return self._searched(query, found, f"{table}_ids", context)

    def _searched(self, query: str, where: str, name: str, context: dict[str, Any]) -> Callable[[], Any]:
        async def search() -> Any:
            try:
                ids = await asyncio.to_thread(self.search, query)
            except SinanewsError as error:
                return FilterArguments(["0"], {}, [f"搜索“{query}”：{error}"], context)
            return FilterArguments([where], {name: ids}, [f"搜索“{query}”"], context)

        return search

    @hookimpl
    def render_cell(self, row: Any, value: Any, column: str, table: str | None, database: str) -> Any:
        if database != NAME or value in (None, "") or not isinstance(value, str):
            return None
        keys = row.keys()
        if column == "title" and "id" in keys:
            return Markup('<a href="{}">{}</a>').format(address_of(row["id"]), value)
        if column == "first":
            return Markup('<a href="{}">{}</a>').format(address_of(value), value)
        if column == "url" and value.startswith(("https://", "http://")):
            return Markup('<a href="{}" rel="noreferrer" title="{}">新浪</a>').format(value, value)
        if column == "stocks" and value.startswith("["):
            link = '<a href="/{}/news?stocks__arraycontains={}">{}</a>'
            return Markup(" ").join(Markup(link).format(NAME, quote(code), code) for code in json.loads(value))
        return None

    @hookimpl
    def extra_template_vars(self, database: str | None, table: str | None) -> dict[str, Any]:
        is_ours = database == NAME and table in VIEWS
        return {"headings": HEADINGS, **({"is_view": False} if is_ours else {})}  # or it stands behind the title

    @hookimpl
    def extra_css_urls(self) -> list[str]:
        return ["/-/sinanews/browse.css"]

    @hookimpl
    def menu_links(self) -> list[dict[str, str]]:
        return [{"href": f"/{NAME}/{view}", "label": label} for view, label in
                (("news", "文章"), ("copies", "重复稿"), ("edits", "修订"))]  # fmt: skip

    @hookimpl
    def register_routes(self) -> list[tuple[str, Callable[..., Any]]]:
        async def home() -> Any:
            return Response.redirect(f"/{NAME}/news")

        async def article(request: Any, datasette: Any) -> Any:
            page = await asyncio.to_thread(
                self.page, tilde_decode(request.url_vars["id"]), request.args.get("revision")
            )
            text = await datasette.render_template("article.html", page, request=request)
            return Response.html(text, headers={"content-security-policy": _NO_SCRIPT})

        return [(r"^/$", home), (r"^/article/(?P<id>.+)$", article)]

    def page(self, article_id: str, revision: str | None) -> dict[str, Any]:
        """What article.html shows. Raises NotFound."""
        article = self.archive.get(article_id)
        if article is None:
            raise NotFound(f"no article {article_id}")
        kept = self.archive.history(article_id)
        shown = next((one for one in kept if str(one.revision) == revision), None)
        item = safe(shown.item, shown.verbatim) if shown is not None else article
        link = article.url if (article.url or "").startswith(("https://", "http://")) else None
        number = shown.revision if shown is not None else article.revision
        body = Markup(item.body_html)  # sanitised before it was stored, or now
        return {"article": article, "item": item, "link": link, "kept": kept, "shown": number, "address_of": address_of,
                "body": body}  # fmt: skip

    @hookimpl
    def asgi_wrapper(self) -> Callable[[Any], Any]:
        return _guarded


def address_of(article_id: str) -> str:
    return f"/article/{tilde_encode(article_id)}"


def _told(function: Callable[[str], str | None]) -> Callable[[Any], str | None]:
    """As a function of SQL: an error of ours is its one line, which SQLite's driver would hide."""

    def call(value: Any) -> str | None:
        return function(str(value)) if value is not None else None

    return call


def _guarded(app: Any) -> Any:
    """Only whoever asks this machine by its own name is answered (no site can have a browser read the archive), and
    no page runs what an article holds."""

    async def run(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return await app(scope, receive, send)  # type: ignore[no-any-return]
        host = dict(scope["headers"]).get(b"host", b"")
        if not _HOSTS.fullmatch(host):
            return await Response.text("not this machine's name", status=421).asgi_send(send)  # type: ignore[no-any-return]

        async def answer(event: Any) -> None:
            if event["type"] == "http.response.start":
                names = {name.lower() for name, _ in event["headers"]}
                own = [(b"referrer-policy", b"no-referrer"), (b"x-content-type-options", b"nosniff")]
                if b"content-security-policy" not in names:
                    own.append((b"content-security-policy", _OWN_SCRIPTS.encode()))
                event = {**event, "headers": [*event["headers"], *own]}
            await send(event)

        await app(scope, receive, answer)
        return None

    return run

# ruff: noqa: F811  # a fixture and the argument that asks for it have one name
"""Every query of a catalogue finds what it wants by an index: the planner itself says so, on each database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from sinanews import Archive, Filters
from sinanews.archive.forgetting import Forgetter
from sinanews.archive.indexing import index_next, index_these
from sinanews.archive.old_posts import keep_old_posts
from sinanews.archive.rewriting import Rewriter
from sinanews.catalogue import Catalogue, queries
from sinanews.catalogue.claims import Wanted
from sinanews.catalogue.clusters import Clusters
from sinanews.catalogue.tables import articles
from sinanews.duplicates.decision import TakesOver
from sinanews.duplicates.fingerprint import Fingerprint, fingerprint_of
from sinanews.items import ArticleItem
from sinanews.posts.exporter import PostRenderer
from sinanews.posts.folder import ExportFolder
from sinanews.posts.seed_identity import SeedFile
from sinanews.watch.kept_pages import check_originals
from sinanews.watch.summary import gather
from sinanews.watch.verification import check, check_kept
from tests.test_catalogue import catalogue, url  # noqa: F401  # fixtures: each database there is
from tests.test_fingerprints import prose

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)
#: Tables that grow with the archive; the others have a row a channel, host or day.
LARGE = (
    "articles",
    "contents",
    "originals",
    "article_channels",
    "revisions",
    "seed_files",
    "stories",
    "story_keys",
    "runs",
    "attachments",
    "search_docs",
    "article_stocks",
    "pictures",
    "forgotten",
)
OF_FEW = {f"articles_{name}" for name in ("unfinished", "incomplete", "unknown", "copies", "aside")} | {
    "attachments_pending"
}
#: What reads a whole table or index, with a part of the statement that tells it: each is a pass that a person asked
#: for, or goes through an index alone.
PASSES = {
    "report: every exported article": "AS published_on",
    "report: the newest articles, as far as there is room": "ORDER BY articles.published_at DESC, articles.id",
    "status: every number, from articles_figures alone": "GROUP BY articles.channel, articles.state",
    "status: what runs were asked for": "runs.spider, runs.arguments, runs.started_at",
    "status: the spiders there are": "SELECT DISTINCT runs.spider",
    "status: the newest runs": "FROM runs ORDER BY runs.id DESC",
    "status: copies by reason, from articles_copies alone": "GROUP BY articles.reason",
    "duplicates: every copy": "FROM articles WHERE articles.duplicate_of IS NOT NULL",
    "verify: every exported article, without posts": "NOT (EXISTS (SELECT *",
    "forget: the files of a seed": "DELETE FROM seed_files WHERE seed_files.article_id",
    "status: what pictures weigh": "max(pictures.bytes)",
    "status: pictures to be fetched, from pictures_wanted alone": "count(*) AS count_1 FROM pictures",
    "seeds: every file known": "FROM seed_files LEFT OUTER JOIN articles",
    "verify: how many texts are in the index": "count(*) AS count_1 FROM search_docs",
}


def article(number: int) -> ArticleItem:
    text = prose(number)
    its = {"title": f"题{number}", "body_html": f"<p>{text}</p>", "body_text": text, "categories": ["金融"]}
    return ArticleItem(id=f"i{number}", url=f"https://finance.sina.com.cn/doc-i{number}.shtml", channel="china", **its)


def everything(catalogue: Catalogue, exports: Path) -> None:
    """Ask and tell a catalogue all that the project asks and tells it."""
    row = {"id": "i9", "url": "https://a.example/9", "title": "题", "published_at": NOW}
    catalogue.listed([row, {**row, "id": "i8"}], "china", NOW)
    for number in (1, 2):
        item = article(number)
        fingerprint = fingerprint_of(item)
        with catalogue.together():
            catalogue.known_of(item, fingerprint)
            over = TakesOver("i1", "complete") if number == 2 else None
            catalogue.record(
                item.id, NOW, state="exported", sketch=fingerprint.sketch, content=item, replaces=f"i{number + 7}",
                takes_over=over, revision=1, path=f"金融/{number}.md", url=item.url, channel="china", published_at=NOW,
            )  # fmt: skip
    catalogue.record("i2", NOW, state="exported", content=article(2), revision=2, path="金融/2.md", file_digest="x")
    catalogue.known_of(article(2), Fingerprint("digest", fingerprint_of(article(1)).sketch))
    catalogue.known(["i1", "https://a.example/" + "x" * 300])
    catalogue.known_urls(["https://a.example/9"])
    catalogue.channel_of("https://a.example/9")
    catalogue.failed("i7", "timeout", "60 s", NOW, channel="china")
    catalogue.failed("i2", "timeout", "60 s", NOW, answer="gone", answers=1, answered_at=NOW)
    catalogue.unchanged("i2", NOW)
    catalogue.aside_paths()
    catalogue.companies_of({"i1", "i2"})
    catalogue.unlisted_by("company:sh699001:news", ["i1", "i2"])
    catalogue.attachments.expect("i2", ["https://a.example/1.PDF", "https://a.example/2.PDF"])
    catalogue.attachments.due(("i1", 1), 10)
    catalogue.attachments.stored("i2", 1, "金融/2.pdf", "digest")
    catalogue.attachments.failed("i2", 2, "cut")
    catalogue.contents.history("i2")
    catalogue.listed([{"id": "i6", "url": "https://a.example/6", "title": "题", "published_at": NOW}], "china", NOW)
    Forgetter(catalogue, ExportFolder(exports), NOW)("i6", "")
    catalogue.forgotten.by_digest("https://a.example/6", "digest")
    for rows in (
        catalogue.due.unfinished(["china"], NOW, NOW - timedelta(1), NOW + timedelta(1)),
        catalogue.due.unfinished(["china"], NOW),
        catalogue.due.incomplete(["china"], NOW),
        catalogue.due.exported_since(["china"], NOW - timedelta(1)),
    ):
        list(rows)
    listing = catalogue.listing
    listing.has_entries("china", NOW - timedelta(1), NOW)
    listing.ids_at("china", NOW - timedelta(1), NOW)
    listing.ids_between("china", NOW - timedelta(1), NOW)
    listing.listed_to("china", NOW, NOW)
    listing.gap_found("china", NOW - timedelta(1), NOW, NOW)
    listing.day_listed("china", date(2026, 11, 22), "complete", 9, NOW)
    catalogue.seed_files.keep(SeedFile("seeds", "a.md", "i1", "d", 1, 1), ["b.md"])
    catalogue.seed_files.known()
    catalogue.pictures.want("i1", ["https://n.sinaimg.cn/a.png"], NOW)
    catalogue.pictures.due(NOW, 4)
    catalogue.pictures.failed("i1", "https://n.sinaimg.cn/a.png", "http_404", NOW)
    catalogue.pictures.stored("i1", "https://n.sinaimg.cn/a.png", "images/a.png", 9)
    catalogue.pictures.take("i1", NOW)
    catalogue.pictures.is_named("images/a.png")
    catalogue.pictures.path_of("https://n.sinaimg.cn/a.png")
    catalogue.pictures.paths("i1")
    catalogue.pictures.all_paths()
    catalogue.pictures.lost("images/a.png", NOW)
    list(catalogue.due.exported())
    list(catalogue.due.exported(NOW))
    worker = catalogue.claims.worker = catalogue.workers.join("", "sina_finance")
    address = "https://a.example/10"
    catalogue.claims.claim([Wanted("i3", "https://a.example/3"), Wanted(address, address)])
    catalogue.claims.finish("i3")
    catalogue.workers.renew(worker)
    catalogue.workers.leave(worker)
    catalogue.budgets.reserve("", "a.example", 1)
    list(check_kept(catalogue))
    run = catalogue.runs.begin("sina_finance", {}, NOW, 1)
    catalogue.runs.earlier_counts("sina_finance", {}, run)
    catalogue.runs.end(run, NOW, outcome="ok", counts={})
    gather(catalogue, NOW)
    list(Clusters(catalogue))
    Clusters(catalogue).totals()
    list(queries.exported_articles(catalogue))
    list(queries.newest_articles(catalogue))
    list(check(catalogue, exports))
    kept = catalogue.originals
    place = {"file": "a.warc.gz", "offset": 0, "length": 9, "article_id": "i1", "url": article(1).url}
    kept.add(**place, digest="sha1:x", status=200, fetched_at=NOW)
    same = kept.same("i1", str(place["url"]), "sha1:x", 200)
    kept.met_again(same[0], NOW, None)
    kept.written_to("a.warc.gz", 20, NOW)
    kept.of("i1")
    kept.first_pages(kept.behind(""), articles.c.state.in_(["exported"]), articles.c.channel.in_(["china"]))
    kept.keep_position("reread:x", "i1")
    kept.position("reread:x")
    list(check_originals(catalogue, exports))
    kept.weight()
    kept.forget([("a.warc.gz", 0)])
    kept.forget_file("a.warc.gz")
    rewriter = Rewriter(catalogue, ExportFolder(exports), PostRenderer(), dry=True, restore=True)
    list(rewriter.all(NOW))
    list(rewriter.these(["i1", "i2"], NOW))
    keep_old_posts(catalogue, exports, NOW)
    out = Archive.of(catalogue, exports)
    month = Filters(since=NOW - timedelta(1), until=NOW + timedelta(1), channels=("china",), stocks=("sh600519",))
    list(out.articles(month, newest_first=False))
    list(out.reader.states(month))
    out.get("i1")
    search(catalogue)
    with catalogue.together() as connection:
        catalogue.search.rename(connection, "nothing", "something")
    index_these(catalogue, exports, ["i1", "i2"])
    with catalogue.together() as connection:
        catalogue.search.leave(connection, "")
    index_next(catalogue, exports)


def search(catalogue: Catalogue) -> None:
    archive = Archive.of(catalogue, None)
    for filters in (Filters(), Filters(since=NOW - timedelta(1)), Filters(media=("某报",), channels=("china",))):
        for best in (False, True):
            list(archive.search('题 "题1" OR 的 -没有', filters, best=best))
    for few in (Filters(stocks=("sh600519",)), Filters(kinds=("video",))):
        for best in (False, True):
            list(archive.search("题", few, best=best))
    list(archive.articles(Filters(stocks=("sh600519",))))


@pytest.fixture
def asked(catalogue: Catalogue, tmp_path: Path) -> Iterator[dict[str, Any]]:
    """statement → values, of all that ``everything`` sends."""
    sent: dict[str, Any] = {}

    def keep(connection: Any, cursor: Any, statement: str, values: Any, context: Any, executemany: bool) -> None:
        if statement.lstrip().startswith(("SELECT", "UPDATE", "DELETE")):
            sent.setdefault(" ".join(statement.split()), values[0] if executemany else values)

    event.listen(catalogue.engine, "before_cursor_execute", keep)
    everything(catalogue, tmp_path)
    event.remove(catalogue.engine, "before_cursor_execute", keep)
    yield sent


def plans(catalogue: Catalogue) -> Callable[[str, Any], list[str]]:
    """What the planner says of a statement: the lines of its plan."""

    def plan(statement: str, values: Any) -> list[str]:
        with catalogue.read() as connection:
            if connection.dialect.name == "sqlite":
                return [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)]
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")  # or it would read a table of three rows
            return [row[0] for row in connection.exec_driver_sql(f"EXPLAIN {statement}", values)]

    return plan


def whole(line: str) -> bool:
    """Whether a line of a plan says that a large table is read from its beginning to its end.

    An index of few rows may be: to read it is what it is for.
    """
    words = line.replace("->", " ").split()
    if words[-1] in OF_FEW:
        return False
    scans = words[:1] == ["SCAN"] or words[:2] == ["Seq", "Scan"]
    return scans and any(table in words for table in LARGE)


def test_no_query_reads_a_large_table(catalogue: Catalogue, asked: dict[str, Any]) -> None:
    plan = plans(catalogue)
    judged = {
        statement: plan(statement, values)
        for statement, values in asked.items()
        if not any(part in statement for part in PASSES.values())
    }
    slow = {statement: lines for statement, lines in judged.items() if any(map(whole, lines))}
    assert len(asked) > 50
    assert not slow, "\n\n".join(f"{statement}\n  " + "\n  ".join(lines) for statement, lines in slow.items())


def test_what_is_counted_is_read_from_an_index(catalogue: Catalogue, asked: dict[str, Any]) -> None:
    part = PASSES["status: every number, from articles_figures alone"]
    (lines,) = (plans(catalogue)(statement, values) for statement, values in asked.items() if part in statement)
    assert "articles_figures" in " ".join(lines)
    assert "TEMP B-TREE" not in " ".join(lines)


def test_every_index_is_of_use(catalogue: Catalogue, asked: dict[str, Any]) -> None:
    """One that no plan names costs each new article and helps nobody."""
    if catalogue.engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL's planner chooses by what is in the tables")
    plan = plans(catalogue)
    used = " ".join(line for statement, values in asked.items() for line in plan(statement, values))
    with catalogue.read() as connection:
        names = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL")
        unused = [name for (name,) in names if name not in used]
    assert unused == [], used


def test_nothing_is_sorted_before_the_first_unfinished_article_is_had(
    catalogue: Catalogue,
    asked: dict[str, Any],
) -> None:
    if catalogue.engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL sorts what is little")
    plan = plans(catalogue)
    lines = [
        line
        for statement, values in asked.items()
        if "'pending'" in statement and "IS NOT NULL" in statement
        for line in plan(statement, values)
    ]
    assert any("articles_unfinished" in line for line in lines)
    assert not any("TEMP B-TREE" in line for line in lines), lines

"""Articles that are edited after they were stored: replaced in place; what only looks edited stays as it is."""

from __future__ import annotations

from sinanews.samplesite import SampleSite
from tests import scenes
from tests.conftest import TemporaryArchive

WHOLE = {"reprints": 0.0, "shares": {"news": 0.2, "old": 0.1}}


def test_edits_that_the_list_names(archive: TemporaryArchive) -> None:
    with SampleSite(articles=45, **WHOLE) as site:
        archive.crawl("sina_finance", mirror=site.url)
        archive.query("UPDATE articles SET etag = NULL, last_modified = NULL WHERE rowid % 2")  # no 304 for these
        figures = scenes.edits(archive, site, 8)
        assert figures["downloads"] == 16


def test_refresh_reads_again_what_the_list_does_not_name(archive: TemporaryArchive) -> None:
    with SampleSite(articles=90, days=2, **WHOLE) as site:
        archive.crawl("sina_finance", mirror=site.url)
        figures = scenes.edits(archive, site, 20, "-a", "refresh=99d")
        assert figures["downloads"] == 90


def test_what_people_wrote_into_a_post_is_kept_where_the_article_is_edited(archive: TemporaryArchive) -> None:
    """Sina's edit takes the post's place, as ever; the one that somebody had edited is kept aside. So is a folder."""
    with SampleSite(articles=8, **WHOLE) as site:
        archive.crawl("sina_finance", mirror=site.url)
        edited, blocked, untouched = (archive.posts[n] for n in (0, 1, 2))
        before = {path: path.read_bytes() for path in archive.posts}
        edited.write_bytes(before[edited] + b"mine")
        blocked.unlink()
        (blocked / "notes").mkdir(parents=True)
        site.edit([i for i in archive.ids() if any(i in path.name for path in (edited, blocked, untouched))])
        assert archive.crawl("sina_finance", "-a", "refresh=99d", mirror=site.url).returncode == 0
        aside = archive.exports / ".superseded"
        assert (aside / edited.relative_to(archive.exports)).read_bytes() == before[edited] + b"mine"
        assert (aside / blocked.relative_to(archive.exports) / "notes").is_dir()
        assert len(list(aside.rglob("*.md"))) == 2, "what nobody edited leaves nothing behind"
        assert all(path.read_bytes() not in (data, data + b"mine") for path, data in list(before.items())[:3])
        assert archive.run("verify").returncode == 0


def test_an_edited_article_that_is_gone_stays_and_is_not_asked_for_again(archive: TemporaryArchive) -> None:
    with SampleSite(articles=20, **WHOLE) as site:
        archive.crawl("sina_finance", mirror=site.url)
        before, ids = {path: path.read_bytes() for path in archive.posts}, archive.ids()
        gone = site.entries[-2].id
        site.edit([gone])
        site.faults.set("404", [gone])
        for look in range(1, 4):
            done = archive.crawl("sina_finance", mirror=site.url)
            assert f"{'failed' if look < 3 else 'refused'} (gone 1)" in done.stdout + done.stderr
            archive.query("UPDATE articles SET answered_at = datetime(answered_at, '-4 hours') || '.000000'")
        assert {path: path.read_bytes() for path in archive.posts} == before
        assert archive.ids() == ids, "a refusal does not undo what is on disk"
        assert len(scenes.nothing_new(archive, site)) == 1

"""``scrapy shell``, ``fetch`` and ``parse`` look at pages as a Scrapy user expects, and write nothing."""

from __future__ import annotations

import pytest

from sinanews.samplesite import SampleSite
from tests.conftest import TemporaryArchive


def url_of_an_article(site: SampleSite) -> str:
    return next(entry.url for entry in site.entries if entry.kind == "finance")


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (("fetch", "--nolog"), "artibody"),
        (("shell", "--nolog", "-c", "response.css('h1::text').get()"), "h1"),
        (("parse", "--nolog"), "'body_text'"),
        (("parse", "--nolog", "--pipelines"), "'layout': 'finance_2018'"),
    ],
    ids=["fetch", "shell", "parse", "parse with pipelines"],
)
def test_looking_at_a_page_writes_nothing(
    archive: TemporaryArchive, site: SampleSite, words: tuple[str, ...], shown: str
) -> None:
    url = url_of_an_article(site)
    command, *options = words
    expected = site.entries[[e.url for e in site.entries].index(url)].title if shown == "h1" else shown
    done = archive.run(command, url, *options, mirror=site.url)
    assert done.returncode == 0, done.stderr
    assert expected in done.stdout
    assert not archive.database.exists()
    assert not archive.exports.exists()


@pytest.mark.parametrize(
    ("words", "fault"),
    [(("parse",), "deleted"), (("parse",), "login"), (("fetch",), "ban")],
    ids=["gone", "walled", "refused"],
)
def test_looking_at_what_is_no_page_writes_nothing(
    archive: TemporaryArchive, site: SampleSite, words: tuple[str, ...], fault: str
) -> None:
    """What a run would remember of such an answer, or of the host that gives it, is nobody's here."""
    site.faults.set(fault, 1.0)
    done = archive.run(*words, url_of_an_article(site), mirror=site.url, SINANEWS_BAN_LIMIT="1")
    assert "Traceback" not in done.stderr, done.stderr
    assert not archive.database.exists()
    assert not archive.exports.exists()


def test_parse_shows_the_item_as_it_would_be_stored(archive: TemporaryArchive, site: SampleSite) -> None:
    url = url_of_an_article(site)
    entry = next(e for e in site.entries if e.url == url)
    shown = archive.run("parse", url, "--nolog", mirror=site.url).stdout
    assert entry.title in shown and f"'id': '{entry.id}'" in shown
    assert "appendQr_wrap" not in shown


def test_looking_while_a_run_holds_the_lock(archive: TemporaryArchive, site: SampleSite) -> None:
    archive.crawl("sina_finance", "-a", "limit=1", mirror=site.url)
    before = archive.query("SELECT count(*) FROM runs")
    with archive.locked("sina_finance"):
        done = archive.run("parse", url_of_an_article(site), "--nolog", mirror=site.url)
    assert done.returncode == 0 and "'body_text'" in done.stdout
    assert archive.query("SELECT count(*) FROM runs") == before


def test_shell_waits_for_its_turn(archive: TemporaryArchive, site: SampleSite) -> None:
    """A page is asked for a delay after robots.txt."""
    url = url_of_an_article(site)
    done = archive.run("shell", url, "--nolog", "-c", "response.status", mirror=site.url, DOWNLOAD_DELAY="1")
    assert done.stdout.strip() == "200", done.stderr
    assert not archive.database.exists()

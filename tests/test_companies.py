"""Companies by their own lists: codes, answers, and whole crawls of the sample site's companies."""

from __future__ import annotations

import json
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from sinanews.dates import BEIJING, parse_listed_date
from sinanews.exceptions import ListingError
from sinanews.listing.companies import SOURCES
from sinanews.listing.company_answers import news_in_html, news_in_json, reports_in_html
from sinanews.listing.loose_json import load_loose
from sinanews.pages import read_page
from sinanews.samplesite import SampleSite
from sinanews.samplesite.companies import CODES
from sinanews.stocks import share_code
from tests.conftest import PROJECT, TemporaryArchive
from tests.processes import Popen
from tests.test_samplesite import fetch

NOW = datetime(2026, 11, 24, 17, 0, tzinfo=BEIJING)
VIP = "https://vip.stock.finance.sina.com.cn/corp/go.php/vCB_AllNewsStock/symbol/sh699001.phtml"
LISTS = (
    "get4pc",
    "getMemordlistbysymbol",
    "vCB_AllNewsStock",
    "vCB_AllBulletin/",
    "vCB_AllBulletin.php",
    "vReport_List",
)
SHOWN = {"SINANEWS_FRONT_MATTER_EXTRA": "stocks,media,keywords,attachments"}


@pytest.fixture
def site() -> Iterator[SampleSite]:
    with SampleSite(articles=15) as running:
        yield running


def crawl(archive: TemporaryArchive, site: SampleSite, *words: str, code: int = 0, **settings: str) -> str:
    site.requests.clear()
    arguments = ("-a", f"stocks={','.join(CODES)}") if not any("stocks=" in word for word in words) else ()
    done = archive.crawl("sina_company", *arguments, *words, mirror=site.url, **settings)
    assert done.returncode == code, done.stderr + done.stdout
    return done.stderr + done.stdout


def asked(site: SampleSite, *, lists: bool) -> list[str]:
    """The paths of lists, or of all else, that were asked for."""
    paths = [f"{r.path}?{r.query}" for r in site.requests if r.path != "/robots.txt"]
    return [path for path in paths if any(name in path for name in LISTS) == lists]


def counts(archive: TemporaryArchive) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(str(archive.query("SELECT counts FROM runs ORDER BY id DESC LIMIT 1")[0][0]))
    return found


def ids_of(site: SampleSite) -> set[str]:
    """The ids of all that the companies' lists name."""
    site_of, found = site.companies, set()
    for code in CODES:
        found |= {site.newsroom.entries[row.number].id for row in site_of.rows("news", code)}
        found |= {f"bulletin-{code[2:]}-{row.number}" for row in site_of.rows("announcements", code)}
        found |= {f"report-{row.number}" for row in site_of.rows("research", code)}
    return found


def stored(archive: TemporaryArchive) -> set[str]:
    return archive.ids() | archive.ids("duplicate")


def items(archive: TemporaryArchive) -> dict[str, dict[str, Any]]:
    return {str(item["id"]): item for item in archive.items()}


# --- codes, answers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["60051", "6005190", "hk00700", "AAPL", "sh000001", "sz600519", "510300", "７００５１９", ""]
)
def test_what_is_no_share_is_named_with_what_is(archive: TemporaryArchive, text: str) -> None:
    assert share_code(text) is None
    done = archive.crawl("sina_company", "-a", f"stocks={text}")
    assert done.returncode == 2
    assert "sh600519" in done.stderr or not text


def test_a_file_of_stocks_has_comments_and_names_each_once(archive: TemporaryArchive, site: SampleSite) -> None:
    file = archive.folder / "stocks.txt"
    file.write_text("# mine\n699001  # the first\nsh699001\n\nSZ309002\n", "utf-8")
    crawl(archive, site, "-a", f"stocks=@{file}", "-a", "kinds=research")
    shares = Counter(path.partition("symbol=")[2][:8] for path in asked(site, lists=True))
    assert set(shares) == {"sh699001", "sz309002"} and len(set(shares.values())) == 1


def test_a_kind_that_is_none_is_named_with_what_is(archive: TemporaryArchive) -> None:
    done = archive.crawl("sina_company", "-a", "stocks=600519", "-a", "kinds=prices")
    assert done.returncode == 2 and "news, announcements, research" in done.stderr


def test_json_of_scripts_is_read() -> None:
    loose = r"""/*<script>location.href='//sina.com';</script>*/ cb({result:{status:{code:0,},data:[
        {title:'甲"乙"',url:"http://finance.sina.com.cn/china/2026-11-20/doc-imabcdef1234567.shtml?from=x",ctime:1795000000}]}})"""
    page = news_in_json(loose, "", "sh699001", NOW)
    (row,) = page.rows
    assert (row.title, row.id, page.anomalies) == ('甲"乙"', "imabcdef1234567", ("loose_json",))
    for hopeless in ("{", "no", "{a:[}", "'" * 999):
        with pytest.raises(ListingError):
            load_loose(hopeless)


def test_times_of_lists_are_beijings_whatever_the_machines_zone() -> None:
    assert (
        str(parse_listed_date("今天&nbsp;18:18".replace("&nbsp;", "\xa0"), NOW.replace(hour=20)))
        == "2026-11-24 18:18:00+08:00"
    )
    assert parse_listed_date("32-45", NOW) is None


def test_rows_without_a_date_or_a_link_are_counted_and_the_others_read() -> None:
    page = news_in_html(
        '<div class="datelist"><ul>2026-08-20&nbsp;17:05&nbsp;<a href="http://finance.sina.com.cn/roll/a.shtml">一</a><br>'
        '<a href="http://finance.sina.com.cn/roll/b.shtml">二</a><br>2026-08-20 16:00 <a href="javascript:alert(1)">三</a>'
        '<br><a href="?Page=2">下一页</a></ul></div>',
        VIP, "sh699001", NOW,
    )  # fmt: skip
    assert [(row.title, row.published_at and f"{row.published_at:%d %H:%M}") for row in page.rows] == [
        ("一", "20 17:05"),
        ("二", None),
    ]
    assert Counter(page.anomalies) == {"row_without_time": 1, "row_without_url": 1}


def test_a_page_that_is_no_list_is_no_end() -> None:
    with pytest.raises(ListingError, match="no list"):
        news_in_html("<html><body>系统维护中</body></html>", VIP, "sh699001", NOW)
    assert news_in_html("<p>暂时没有数据！</p>", VIP, "sh699001", NOW).rows == ()


def test_saved_answers_are_read(corpus: Path) -> None:
    folder = corpus / "api"
    news = news_in_html((folder / "datelist_news_2026-08-20.html").read_text("utf-8"), VIP, "sh600519", NOW)
    assert [f"{row.published_at:%m-%d %H:%M}" for row in news.rows if row.published_at] == [
        "08-20 17:05",
        "08-20 17:04",
        "08-20 15:00",
    ]
    (report,) = reports_in_html(
        (folder / "vReport_List_row_2026-09-24.html").read_text("utf-8"), VIP, "sh688017", NOW
    ).rows
    assert (report.id, report.media, report.author, report.keywords) == (
        "report-841632286677",
        "org-co",
        "analyst-a",
        ("company-type",),
    )
    url = "https://vip.stock.finance.sina.com.cn/corp/view/vCB_AllBulletinDetail.php?stockid=600519&id=11913341"
    item = read_page((folder / "bulletin_detail_model_2026-10-04.html").read_bytes(), url).item
    assert item.attachments == ["https://file.finance.sina.com.cn/sample/11913341.PDF"]
    assert "100万元" in item.body_html and "900万元" not in item.body_html and "888" not in item.body_html


# --- whole crawls -------------------------------------------------------------------------------------------------


def test_every_entry_of_every_list_once_and_every_field_right(archive: TemporaryArchive, site: SampleSite) -> None:
    crawl(archive, site, "-O", str(archive.feed), **SHOWN)
    assert stored(archive) == ids_of(site)
    found, companies = items(archive), site.companies
    assert max(Counter(asked(site, lists=False)).values()) == 1
    for code in CODES:
        for row in companies.rows("announcements", code):
            item = found[f"bulletin-{code[2:]}-{row.number}"]
            assert (item["title"], item["kind"], item["stocks"][0]) == (row.title, "announcement", code)
            assert str(item["published_at"])[:10] == f"{row.when:%Y-%m-%d}" and str(item["published_at"]).endswith(
                "+08:00"
            )
            assert item["attachments"] == [
                f"https://file.finance.sina.com.cn/211.154.219.97:9494/MRGG/{code}/{row.number}.PDF"
            ]
            assert str(item["body_text"]).endswith(f"金额\t{row.number}万元") and "900万元" not in item["body_text"]
    for row in companies.rows("research", CODES[0]):
        item = found[f"report-{row.number}"]
        assert (item["title"], item["media"], item["author"], item["keywords"]) == (
            row.title,
            "虚山证券",
            "甲研究/乙分析",
            ["公司研究"],
        )
    assert all(
        post.parts[-3] in CODES
        for post in archive.posts
        if "新浪财经－公告" in post.parts or "新浪财经－研报" in post.parts
    )
    assert (
        len(list(archive.exports.glob(f"金融/新浪财经/新浪财经－公告/{CODES[0]}/2026/*.md"))) == companies.announcements
    )
    told = counts(archive)
    assert {k: v for k, v in told.items() if k.startswith("companies/") and k != "companies/gained"} == {
        "companies/news/json": 3, "companies/announcements/json": 3, "companies/research/html": 3,
    }  # fmt: skip


def test_a_second_run_asks_for_one_page_of_each_list(archive: TemporaryArchive, site: SampleSite) -> None:
    crawl(archive, site)
    crawl(archive, site)
    assert len(asked(site, lists=True)) == 9 and asked(site, lists=False) == []
    rows = sum(len(site.companies.rows(kind, code)) for kind in SOURCES for code in CODES)
    assert counts(archive)["articles/known"] == rows > len(ids_of(site))


def test_requests_come_as_from_the_companys_page(archive: TemporaryArchive, site: SampleSite) -> None:
    crawl(archive, site, "-a", "stocks=699001")
    lists = {referer for path, referer in site.referers.items() if any(name in path for name in LISTS)}
    assert lists == {"https://finance.sina.com.cn/realstock/company/sh699001/nc.shtml"}
    papers = {referer for path, referer in site.referers.items() if "BulletinDetail" in path}
    assert papers == {"https://vip.stock.finance.sina.com.cn/corp/go.php/vCB_AllBulletin/stockid/699001.phtml"}


@pytest.mark.parametrize("shown", [True, False])
def test_an_article_that_two_companies_share_is_one_post_that_names_both(
    archive: TemporaryArchive, site: SampleSite, shown: bool
) -> None:
    settings = SHOWN if shown else {}
    for code in CODES[:2]:
        crawl(archive, site, "-a", f"stocks={code}", "-a", "kinds=news,research", **settings)
    shared = next(e.id for e in site.newsroom.readable if e.number % 3 == 0)
    ((path, revision),) = archive.query(f"SELECT path, revision FROM articles WHERE id = '{shared}'")
    assert revision == 1 and archive.query("SELECT * FROM revisions") == []
    assert len([post for post in archive.posts if shared in post.name]) == 1
    if shown:
        header = (archive.exports / str(path)).read_text("utf-8").split("---")[1]
        assert CODES[0] in header and CODES[1] in header
    history = json.loads(archive.run("history", shared, "--json").stdout)
    assert {CODES[0], CODES[1]} <= set(history[0]["item"]["stocks"])
    assert set(CODES[:2]) <= {
        stock for (stock,) in archive.query(f"SELECT stock FROM article_stocks WHERE article_id = '{shared}'")
    }
    assert archive.run("verify").returncode == 0
    assert counts(archive)["companies/gained"] > 0


def test_a_known_article_of_a_channel_gains_the_company_and_no_edit_is_lost(
    archive: TemporaryArchive, site: SampleSite
) -> None:
    assert archive.crawl("sina_finance", mirror=site.url, **SHOWN).returncode == 0
    mine = [site.newsroom.entries[row.number].id for row in site.companies.news(CODES[0])]
    mine = [one for one in mine if one in archive.ids()]
    ((edited,),) = archive.query(f"SELECT path FROM articles WHERE id = '{mine[0]}'")
    file = archive.exports / str(edited)
    file.write_text(file.read_text("utf-8") + "\n我的笔记", "utf-8")
    crawl(archive, site, "-a", f"stocks={CODES[0]}", "-a", "kinds=news", **SHOWN)
    assert asked(site, lists=False) == []
    assert file.read_text("utf-8").endswith("我的笔记")
    ((path,),) = archive.query(f"SELECT path FROM articles WHERE id = '{mine[1]}'")
    assert CODES[0] in (archive.exports / str(path)).read_text("utf-8")
    told = archive.run("verify").stdout
    assert str(edited) in told and str(path) not in told
    before = archive.query("SELECT id, revision, file_digest FROM articles ORDER BY id")
    assert archive.crawl("sina_finance", "-a", "refresh=30d", mirror=site.url, **SHOWN).returncode == 0
    assert archive.query("SELECT id, revision, file_digest FROM articles ORDER BY id") == before


def test_forms_with_the_same_words_are_no_copies(archive: TemporaryArchive, site: SampleSite) -> None:
    crawl(archive, site, "-a", "kinds=announcements")
    assert len(archive.ids()) == site.companies.announcements * len(CODES) and archive.ids("duplicate") == set()


@pytest.mark.parametrize("fault", ["500", "html_for_json", "ban", "empty", "404"])
def test_where_the_json_list_fails_the_other_is_read(archive: TemporaryArchive, site: SampleSite, fault: str) -> None:
    site.faults.set(fault, 1.0, where="company_json")
    told = crawl(archive, site)
    assert stored(archive) == ids_of(site)
    assert counts(archive)["companies/news/html"] == 3 and counts(archive)["companies/announcements/html"] == 3
    assert "list_failed/news/json" in told
    crawl(archive, site)
    assert asked(site, lists=False) == []


def test_where_the_json_list_ends_early_the_other_is_read(archive: TemporaryArchive, site: SampleSite) -> None:
    site.companies.json_rows = {"news": 5, "announcements": 4}
    told = crawl(archive, site)
    assert stored(archive) == ids_of(site)
    assert "list_ended_early/announcements/json" in told
    assert counts(archive)["companies/announcements/html"] == 3


def test_a_json_list_without_pages_is_read_no_further(archive: TemporaryArchive, site: SampleSite) -> None:
    site.companies.announcements, site.companies.paged = 60, False
    crawl(archive, site, "-a", f"stocks={CODES[0]}", "-a", "kinds=announcements")
    assert len(archive.ids()) == 60
    assert counts(archive)["companies/announcements/html"] == 1


def test_forty_pages_in_mixed_encodings_with_missing_cells(archive: TemporaryArchive, site: SampleSite) -> None:
    companies = site.companies
    companies.reports, companies.page_size, companies.lacking = 82, 1, 7
    companies.encodings, companies.relative, companies.form = ("gb18030", "utf-8"), True, "unquoted"
    crawl(archive, site, "-a", f"stocks={CODES[1]}", "-a", "kinds=research,announcements")
    assert (
        len([one for one in archive.ids() if one.startswith("report-")])
        == len(companies.rows("research", CODES[1]))
        > 40
    )
    assert sum("vReport_List" in path for path in asked(site, lists=True)) >= 40
    days = dict(archive.query("SELECT id, published_at FROM articles WHERE kind = 'announcement'"))
    assert str(days[f"bulletin-309002-{10_000 + companies.announcements - 1}"]).startswith("2026-11-19 16:00")


def test_a_false_empty_page_is_told_and_read_again(archive: TemporaryArchive, site: SampleSite) -> None:
    site.companies.false_empty = {("research", 1)}
    told = crawl(archive, site, "-a", f"stocks={CODES[0]}", "-a", "kinds=research")
    assert "false_empty/research" in told and len(archive.ids()) == len(site.companies.rows("research", CODES[0]))


def test_a_list_that_had_entries_and_has_none_is_an_anomaly(archive: TemporaryArchive, site: SampleSite) -> None:
    crawl(archive, site, "-a", f"stocks={CODES[0]}")
    site.companies.html_rows = site.companies.json_rows = {"news": 0, "announcements": 0, "research": 0}
    told = crawl(archive, site, "-a", f"stocks={CODES[0]}", code=1)
    for kind in SOURCES:
        assert f"empty_list/company:{CODES[0]}:{kind}" in told


def test_a_company_without_any_entries_is_no_alarm(archive: TemporaryArchive, site: SampleSite) -> None:
    told = crawl(archive, site, "-a", "stocks=699999")
    assert "nothing_listed 3" in told


def test_what_lies_below_the_pages_of_a_run_is_a_gap_that_the_next_fills(
    archive: TemporaryArchive, site: SampleSite
) -> None:
    words = ("-a", f"stocks={CODES[0]}", "-a", "kinds=announcements")
    site.companies.announcements, site.companies.held_back = 62, 55
    crawl(archive, site, *words)
    site.companies.held_back = 0
    told = crawl(archive, site, *words, SINANEWS_MAX_PAGES="1")
    assert "gap" in told and len(archive.query("SELECT * FROM gaps")) == 1
    crawl(archive, site, *words, SINANEWS_MAX_PAGES="1")
    assert archive.query("SELECT * FROM gaps") == []
    assert len(archive.ids()) == site.companies.announcements


def test_since_reads_down_to_a_day_and_until_up_to_one(archive: TemporaryArchive, site: SampleSite) -> None:
    words = (
        "-a",
        "kinds=announcements",
        "-a",
        f"stocks={CODES[0]}",
        "-a",
        "since=2026-11-17",
        "-a",
        "until=2026-11-18",
    )
    crawl(archive, site, *words)
    days = {f"{row.number}": row.when.day for row in site.companies.rows("announcements", CODES[0])}
    assert {one.rpartition("-")[2] for one in archive.ids()} == {
        number for number, day in days.items() if day in (17, 18)
    }


def test_limit_and_then_the_rest(archive: TemporaryArchive, site: SampleSite) -> None:
    crawl(archive, site, "-a", "limit=7")
    assert len(stored(archive)) == 7
    crawl(archive, site)
    assert stored(archive) == ids_of(site)


def test_workers_on_one_server_store_what_companies_share_once(
    archive: TemporaryArchive, site: SampleSite, postgres: str
) -> None:
    where = {"SINANEWS_DATABASE": postgres, **SHOWN}
    words = [
        archive.command("crawl", "sina_company", "-a", f"stocks={code}", mirror=site.url, **where) for code in CODES
    ]
    started = [Popen(one, cwd=PROJECT, env=archive.environment, stderr=subprocess.DEVNULL) for one in words]
    assert {process.wait(100) for process in started} <= {0, 3}  # what another one has claimed is the next run's
    crawl(archive, site, **where)
    shared = next(e.id for e in site.newsroom.readable if e.number % 3 == 0)
    (post,) = (post for post in archive.posts if shared in post.name)
    assert all(code in post.read_text("utf-8") for code in CODES)
    assert len([post for post in archive.posts if "bulletin-" in post.name]) == site.companies.announcements * len(
        CODES
    )


def test_killed_and_resumed(archive: TemporaryArchive, site: SampleSite) -> None:
    words = archive.command("crawl", "sina_company", "-a", f"stocks={','.join(CODES)}", mirror=site.url)
    seen = threading.Event()
    site.on_request = lambda request: len(site.requests) > 30 and seen.set()
    process = Popen(words, cwd=PROJECT, env=archive.environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    assert seen.wait(60)
    process.kill()
    process.wait()
    site.on_request = None
    assert stored(archive) != ids_of(site)
    crawl(archive, site)
    assert stored(archive) == ids_of(site)
    assert archive.run("verify").returncode == 0


def test_a_host_that_refuses_for_a_while_is_waited_for_once(archive: TemporaryArchive, site: SampleSite) -> None:
    def refuse_so_often(request: Any) -> None:
        if sum("vReport_List" in one.path for one in site.requests) > 8:
            site.faults.clear("ban")

    site.faults.set("ban", 1.0, where="company_html")
    site.on_request = refuse_so_often
    told = crawl(archive, site, "-a", "kinds=research", SINANEWS_REFUSAL_WAIT="0.3")
    assert "left alone for" in told and counts(archive)["bans/waited_for"] == 1
    assert stored(archive) == {one for one in ids_of(site) if one.startswith("report-")}


def test_a_host_that_goes_on_refusing_ends_the_run(archive: TemporaryArchive, site: SampleSite) -> None:
    site.faults.set("ban", 1.0, where="company_html")
    told = crawl(archive, site, "-a", "kinds=research", code=5, SINANEWS_REFUSAL_WAIT="0.1")
    assert "stock.finance.sina.com.cn refuses this client" in told


def test_one_paper_that_is_refused_is_its_own_matter(archive: TemporaryArchive, site: SampleSite) -> None:
    refused = "/corp/view/vCB_AllBulletinDetail.php?stockid=699001&id=10003"
    site.faults.set("403", {refused}, where="paper")
    crawl(archive, site, "-a", "kinds=announcements", SINANEWS_TOLERATED="1", SINANEWS_REFUSAL_WAIT="0.1")
    assert len(archive.ids()) == site.companies.announcements * len(CODES) - 1
    assert archive.ids("failed") == {"bulletin-699001-10003"}


# --- attachments --------------------------------------------------------------------------------------------------


def test_documents_lie_beside_their_posts(archive: TemporaryArchive, site: SampleSite) -> None:
    words = ("-a", "kinds=announcements")
    site.faults.set("garbage", 0.3, where="pdf")
    told = crawl(archive, site, *words, SINANEWS_ATTACHMENTS="1")
    files = sorted(archive.exports.rglob("*.pdf"))
    assert 0 < len(files) < len(archive.ids()) and "attachment/no_pdf" in told
    assert all(file.read_bytes().startswith(b"%PDF-") and file.with_suffix(".md").exists() for file in files)
    site.faults.clear("garbage")
    crawl(archive, site, *words, SINANEWS_ATTACHMENTS="1")
    assert len(sorted(archive.exports.rglob("*.pdf"))) == len(archive.ids())
    crawl(archive, site, *words, SINANEWS_ATTACHMENTS="1")
    assert asked(site, lists=False) == []


def test_without_the_setting_no_document_is_asked_for(archive: TemporaryArchive, site: SampleSite) -> None:
    crawl(archive, site, "-a", "kinds=announcements")
    assert not any(path.endswith(".PDF") for path in asked(site, lists=False))
    post = next(post for post in archive.posts).read_text("utf-8")
    assert 'PDF">附件（PDF）</a>' in post


# --- what is shown, and planned -----------------------------------------------------------------------------------


def test_status_and_report_show_companies_not_their_lists_as_channels(
    archive: TemporaryArchive, site: SampleSite
) -> None:
    crawl(archive, site)
    facts = json.loads(archive.run("status", "--json").stdout)
    assert facts["channels"] == []
    assert {row["company"] for row in facts["companies"]} == set(CODES)
    assert {row["announcements"] for row in facts["companies"]} == {site.companies.announcements}
    shown = archive.run("status").stdout
    assert "Companies" in shown and CODES[0] in shown and "company:" not in shown
    assert archive.run("report").returncode == 0
    report = (archive.exports / "report.html").read_text("utf-8")
    assert f"<td>{CODES[2]}</td>" in report and "公告" in report


def test_a_watch_list_is_read_where_no_company_is_named(archive: TemporaryArchive, site: SampleSite) -> None:
    done = archive.crawl("sina_company", mirror=site.url)
    assert done.returncode == 2 and "SINANEWS_WATCHLIST" in done.stderr
    file = archive.folder / "watch.txt"
    file.write_text("# mine\n699001\n", "utf-8")
    done = archive.crawl("sina_company", "-a", "kinds=research", mirror=site.url, SINANEWS_WATCHLIST=str(file))
    assert done.returncode == 0 and len(archive.ids()) == len(site.companies.rows("research", CODES[0]))
    assert "watchlist" in archive.run("schedule", SINANEWS_WATCHLIST=str(file)).stdout
    assert "watchlist" not in archive.run("schedule").stdout
    file.write_text("699001\nAAPL\n", "utf-8")
    done = archive.crawl("sina_company", mirror=site.url, SINANEWS_WATCHLIST=str(file))
    assert done.returncode == 2 and "AAPL" in done.stderr and "Traceback" not in done.stderr


def test_papers_are_known_to_a_rebuilt_catalogue(archive: TemporaryArchive, site: SampleSite) -> None:
    crawl(archive, site, "-a", "kinds=announcements,research")
    known = archive.ids()
    archive.database.unlink()
    assert archive.run("catalogue", "rebuild").returncode == 0
    assert archive.ids() == known
    history = json.loads(
        archive.run("history", next(one for one in known if one.startswith("bulletin-699001")), "--json").stdout
    )
    assert (history[0]["item"]["kind"], history[0]["item"]["stocks"]) == ("announcement", [CODES[0]])
    crawl(archive, site, "-a", "kinds=announcements,research")
    assert asked(site, lists=False) == []


# --- the sample site ----------------------------------------------------------------------------------------------


def test_the_sample_sites_lists_are_gbk(site: SampleSite) -> None:
    status, _, body = fetch(site, VIP)
    assert status == 200 and "外部行情" in body.decode("gb18030") and b"datelist" in body

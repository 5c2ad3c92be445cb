"""Whole crawls, as a user runs them, against the sample site over real HTTP."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time

import pytest

from sinanews.posts import read_post
from sinanews.samplesite import SampleSite
from tests import processes
from tests.conftest import PROJECT, TemporaryArchive

LIST_HOST = "feed.mix.sina.com.cn"
SEED = next((PROJECT / "seeds").glob("*.txt"))


def pages_asked(site: SampleSite) -> list[str]:
    """The URLs of articles that were downloaded, robots.txt and listings aside."""
    return [f"{host}{path}" for _, host, path, _ in site.requests if host != LIST_HOST and path != "/robots.txt"]


def readable(site: SampleSite) -> set[str]:
    return {entry.id for entry in site.entries if "sina.com.cn" in entry.url or "sina.cn" in entry.url}


def test_a_crawl_exports_every_article_once(archive: TemporaryArchive, site: SampleSite) -> None:
    done = archive.crawl("sina_finance", "-O", str(archive.feed), mirror=site.url)
    assert done.returncode == 0, done.stderr
    assert archive.ids() | archive.ids("duplicate") == readable(site)
    assert len(archive.posts) == len(archive.ids()) == len(archive.items())
    titles = {str(item["id"]): item["title"] for item in archive.items()}
    for article_id, path in archive.query("SELECT id, path FROM articles WHERE state = 'exported'"):
        assert read_post((archive.exports / str(path)).read_bytes()).title == titles[str(article_id)]
    assert re.search(r"sinanews: \d+ articles exported", done.stdout)


def test_a_second_crawl_downloads_no_article(archive: TemporaryArchive, site: SampleSite) -> None:
    archive.crawl("sina_finance", mirror=site.url)
    before = {p: p.read_bytes() for p in archive.posts}
    site.requests.clear()
    done = archive.crawl("sina_finance", mirror=site.url)
    assert done.returncode == 0
    assert "nothing new" in done.stdout
    assert pages_asked(site) == []
    assert len([r for r in site.requests if r[1] == LIST_HOST and r[2] != "/robots.txt"]) == 1
    assert {p: p.read_bytes() for p in archive.posts} == before


def test_the_item_has_what_the_page_shows(archive: TemporaryArchive, site: SampleSite) -> None:
    archive.crawl("sina_finance", "-O", str(archive.feed), mirror=site.url)
    entries = {entry.id: entry for entry in site.entries}
    for item in archive.items():
        entry = entries[str(item["id"])]
        assert str(item["published_at"]).endswith("+08:00")
        assert item["url"] == entry.url.replace("http:", "https:")
        assert item["channel"] == "china"
        assert item["categories"] == ["金融", "新浪财经", "新浪财经－国內"]
        assert item["media"]
        for clutter in ("责任编辑", "新浪财经APP", "<style", "<script", "<!--", "343233024.png"):
            assert clutter not in f"{item['body_html']}{item['body_text']}", clutter
        for image in item["images"]:  # type: ignore[attr-defined]
            assert image.startswith("https://")
    layouts = {item["layout"] for item in archive.items()}
    assert len(layouts) >= 3, layouts


def test_limit_ends_early_and_the_next_run_goes_on(archive: TemporaryArchive, site: SampleSite) -> None:
    archive.crawl("sina_finance", "-a", "limit=5", mirror=site.url)
    assert len(pages_asked(site)) == 5
    archive.crawl("sina_finance", mirror=site.url)
    assert sorted(pages_asked(site)) == sorted(set(pages_asked(site)))
    assert archive.ids() | archive.ids("duplicate") == readable(site)


def test_named_urls_are_fetched_without_a_listing(archive: TemporaryArchive, site: SampleSite) -> None:
    wanted = [entry for entry in site.entries if entry.id in readable(site)][:3]
    file = archive.folder / "urls.txt"
    file.write_text("# three\n" + "\n".join(entry.url + "?from=wap" for entry in wanted), "utf-8")
    done = archive.crawl("sina_finance", "-a", f"urls=@{file}", mirror=site.url)
    assert done.returncode == 0, done.stderr
    assert archive.ids() | archive.ids("duplicate") == {entry.id for entry in wanted}
    assert not [r for r in site.requests if r[1] == LIST_HOST]


@pytest.mark.parametrize("fault", ["500", "cut", "html_for_json", "bad_status"])
def test_after_a_fault_the_next_run_makes_good(archive: TemporaryArchive, fault: str) -> None:
    with SampleSite(articles=20, faults={fault: 1.0}) as site:
        done = archive.crawl("sina_finance", mirror=site.url, RETRY_TIMES="1")
        assert done.returncode == 4, done.stdout + done.stderr
        assert archive.ids() == set()
        site.faults.clear()
        assert archive.crawl("sina_finance", mirror=site.url).returncode == 0
        assert archive.ids() | archive.ids("duplicate") == readable(site)


def test_killed_half_way_and_run_again(archive: TemporaryArchive) -> None:
    with SampleSite(articles=150) as site:
        command = archive.command("crawl", "sina_finance", mirror=site.url)
        process = processes.Popen(command, cwd=PROJECT, env=archive.environment, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while len(site.requests) < 50 and time.monotonic() < deadline:
            time.sleep(0.005)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert 0 < len(archive.posts) < 140
        assert archive.crawl("sina_finance", mirror=site.url).returncode == 0
        assert archive.ids() | archive.ids("duplicate") == readable(site)
        assert len(archive.posts) == len(archive.ids())
        for post in archive.posts:
            assert post.read_bytes().endswith(b"</div>\n            ")


def test_redirects_to_private_addresses_are_refused(archive: TemporaryArchive) -> None:
    with SampleSite(articles=5, faults={"redirect_private": 1.0}) as site:
        done = archive.crawl("sina_finance", mirror=site.url)
        assert done.returncode == 4
        assert archive.ids() == set()
        assert archive.ids("failed") == readable(site)


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("sina_finance", "-a", "channels=nowhere"), "nowhere"),
        (("sina_finance", "-a", "limit=many"), "limit"),
        (("sina_finance", "-a", "colour=red"), "colour"),
        (("sina_finance", "-a", "urls=ftp://x/"), "ftp://x/"),
        (("seeds", "-a", "path=/nowhere/at/all"), "path"),
        (("seeds", "-s", "SINANEWS_BODY=dirty"), "SINANEWS_BODY"),
        (("seeds", "-s", "SINANEWS_DATABASE=what"), "SINANEWS_DATABASE"),
        (("seeds", "-s", "SINANEWS_FRONT_MATTER_EXTRA=what"), "what"),
    ],
)
def test_a_users_mistake_is_one_line(archive: TemporaryArchive, words: tuple[str, ...], named: str) -> None:
    done = archive.crawl(*words)
    assert done.returncode == 2
    assert named in done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr


def test_a_spider_that_does_not_exist_is_one_line(archive: TemporaryArchive) -> None:
    done = archive.run("crawl", "no_such_spider")
    assert done.returncode == 2
    assert re.fullmatch("sinanews: .*no_such_spider.*\n", done.stderr)


def test_the_seed_verbatim_is_the_same_file(archive: TemporaryArchive) -> None:
    archive.crawl("seeds", SINANEWS_BODY="verbatim")
    (post,) = archive.posts
    assert post.read_bytes() == SEED.read_bytes()


def test_the_seed_cleaned(archive: TemporaryArchive) -> None:
    archive.crawl("seeds", "-O", str(archive.feed))
    (post,), (item,) = archive.posts, archive.items()
    assert item["editor"] == "王蒙"
    assert item["original_title"] == item["title"]
    assert item["lead_image"] is None
    before, after = (read_post(data) for data in (SEED.read_bytes(), post.read_bytes()))
    for name in ("title", "categories", "author", "date"):
        assert getattr(after, name) == getattr(before, name)
    header = [line for line in post.read_text("utf-8").split("---")[1].splitlines() if "img" in line or "thumb" in line]
    assert header == ["headimg: ''", "thumbnail: ''"]
    for clutter in ("appendQr", "<style", "<!--", "责任编辑", "原标题"):
        assert clutter not in post.read_text("utf-8")
    assert str(item["body_text"]).count("\n") == 7
    assert "\n\n" not in after.body


def test_a_bad_seed_is_refused_and_its_neighbours_go_on(archive: TemporaryArchive) -> None:
    folder = archive.folder / "seeds"
    folder.mkdir()
    (folder / "a.md").write_text("no front matter", "utf-8")
    (folder / "b.md").write_bytes(SEED.read_bytes())
    os.mkfifo(folder / "c.md")
    (folder / "d.markdown").write_text("---\ntitle: 一篇\ntags: [x]\n---\n<p>正文一段，足够长。</p>\n", "utf-8")
    (folder / "loop").symlink_to(folder)
    done = archive.crawl("seeds", "-a", f"path={folder}")
    assert done.returncode == 3, "half of them could not be read"
    assert len(archive.posts) == 2
    assert archive.query("SELECT count(*) FROM articles WHERE state='refused' AND reason='bad_post'") == [(2,)]


def test_other_posts_of_the_seeds_form_verbatim_are_the_same_files(archive: TemporaryArchive) -> None:
    folder = archive.folder / "seeds"
    folder.mkdir()
    seed = SEED.read_text("utf-8")
    channels = [
        "36氪",
        "新浪财经－滚动（股市）",
        "第一财经、快讯",
        "FT中文网 - 专栏",
        "《财经》杂志",
        "新浪财经－A股：要闻",
    ]
    wanted = set()
    for number, channel in enumerate(channels):
        text = seed.replace("新浪财经－国內", channel).replace("author: 新浪财经", f"author: {channel}")
        text = text.replace("title: '上海市检察院与", f"title: '第{number}  篇 ").replace(
            "刘礼文", f"第{number}人 " * 40
        )
        (folder / f"{number}.txt").write_text(text, "utf-8")
        wanted.add(text.encode())
    archive.crawl("seeds", "-a", f"path={folder}", SINANEWS_BODY="verbatim", SINANEWS_DUPLICATES="keep")
    assert {post.read_bytes() for post in archive.posts} == wanted


@pytest.mark.parametrize("words", [("since=2026-11-20", "until=2026-11-01"), ("since=2999-01-01",)])
def test_days_that_cannot_be_are_a_mistake(archive: TemporaryArchive, words: tuple[str, ...]) -> None:
    done = archive.crawl("sina_finance", *(part for word in words for part in ("-a", word)))
    assert done.returncode == 2
    assert "since" in done.stderr

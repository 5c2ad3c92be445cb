# ruff: noqa: F811  # a fixture and the argument that asks for it have one name
"""Pictures: fetched beside the crawl, checked, stored once, and shown by posts; what fails stays remote."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta, timezone
from io import BytesIO
from pathlib import Path

import pytest

from sinanews.catalogue import Catalogue
from sinanews.catalogue.pictures import WantedPictures
from sinanews.exceptions import BadPicture
from sinanews.pictures.checks import MOST_BYTES, picture_path
from sinanews.pictures.pipeline import PicturePipeline
from sinanews.samplesite import SampleSite
from tests.conftest import TemporaryArchive
from tests.faults.harness import start, wait_for
from tests.test_catalogue import catalogue, url  # noqa: F401  # fixtures: each database there is

Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
SHOWN = re.compile(r'<img src="([^"]*)"(?: data-original="([^"]*)")?')
ON = {"SINANEWS_IMAGES": "1"}


@pytest.fixture
def site() -> object:
    with SampleSite(articles=12, reprints=0.0, shares={"finance": 1.0}) as running:
        yield running


def bodies(archive: TemporaryArchive) -> dict[Path, str]:
    return {path: path.read_text("utf-8") for path in archive.posts}


def shown(archive: TemporaryArchive) -> list[tuple[Path, str, str]]:
    """Of each picture in a post: the post, where it is, where it was."""
    return [(path, *found) for path, text in bodies(archive).items() for found in SHOWN.findall(text)]


def files(archive: TemporaryArchive) -> list[Path]:
    return sorted((archive.exports / "images").rglob("*.*"))


def test_posts_show_the_archives_copies(archive: TemporaryArchive, site: SampleSite) -> None:
    done = archive.crawl("sina_finance", mirror=site.url, **ON)
    assert done.returncode == 0, done.stderr
    pictures = shown(archive)
    assert len(pictures) > 3
    for post, source, original in pictures:
        assert original.startswith("https://n.sinaimg.cn/")
        assert (post.parent / source).resolve() in files(archive)
        assert source in re.search(r"headimg: '(.*)'", post.read_text("utf-8"))[1]  # type: ignore[index]
    assert len(files(archive)) == 1, "equal bytes are stored once"
    assert len({path for _, host, path, _ in site.requests if host == "n.sinaimg.cn" and path != "/robots.txt"}) > 3
    site.requests.clear()
    assert archive.crawl("sina_finance", mirror=site.url, **ON).returncode == 0
    assert [r for r in site.requests if r.host == "n.sinaimg.cn"] == []
    assert archive.run("verify", **ON).returncode == 0
    assert archive.run("rewrite", **ON).stdout == f"sinanews: posts: {len(bodies(archive))} as it was\n"


def test_without_the_setting_pictures_stay_where_they_are(archive: TemporaryArchive, site: SampleSite) -> None:
    archive.crawl("sina_finance", mirror=site.url)
    assert all(source.startswith("https://n.sinaimg.cn/") for _, source, _ in shown(archive))
    assert [r for r in site.requests if r.host == "n.sinaimg.cn"] == []


def test_pictures_of_older_articles(archive: TemporaryArchive, site: SampleSite) -> None:
    archive.crawl("sina_finance", mirror=site.url)
    done = archive.run("images", mirror=site.url, SINANEWS_IMAGES_URL="/pictures", DOWNLOAD_DELAY="0")
    assert done.returncode == 0, done.stderr
    assert shown(archive)
    assert all(re.fullmatch(r"/pictures/[0-9a-f]{2}/[0-9a-f]{64}\.png", source) for _, source, _ in shown(archive))


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("404", "http_404"),
        ("garbage", "no_picture"),
        ("oversize", "download_cancelled"),
        ("redirect_private", "http_302"),
        ("cut", "response_data_loss"),
    ],
)
def test_what_is_no_picture_stays_remote_and_is_tried_again(
    archive: TemporaryArchive, site: SampleSite, fault: str, reason: str
) -> None:
    site.faults.set(fault, 1.0, where="image")
    done = archive.crawl("sina_finance", mirror=site.url, **ON)
    assert done.returncode == 0, done.stderr
    assert files(archive) == []
    assert {why for (why,) in archive.query("SELECT DISTINCT reason FROM pictures")} == {reason}
    assert all(source.startswith("https://") for _, source, _ in shown(archive))
    site.faults.clear()
    archive.write("UPDATE pictures SET next_try_at = '2020-01-01 00:00:00'")
    assert archive.crawl("sina_finance", mirror=site.url, **ON).returncode == 0
    assert all(not source.startswith("https://") for _, source, _ in shown(archive))


def test_a_picture_host_that_refuses_ends_pictures_only(archive: TemporaryArchive, site: SampleSite) -> None:
    site.faults.set("ban", 1.0, where="image")
    done = archive.crawl("sina_finance", mirror=site.url, SINANEWS_BAN_LIMIT="2", **ON)
    assert done.returncode == 0, done.stderr
    assert len(archive.ids()) == 12
    asked = [r for r in site.requests if r.host == "n.sinaimg.cn" and r.path != "/robots.txt"]
    assert 2 <= len(asked) < 12
    assert archive.query("SELECT * FROM cooldowns") == []


def test_an_edited_post_is_left_as_it_is(archive: TemporaryArchive, site: SampleSite) -> None:
    archive.crawl("sina_finance", mirror=site.url)
    mine = next(post for post, *_ in shown(archive))
    mine.write_bytes(mine.read_bytes() + b"\nmine\n")
    before = mine.read_bytes()
    assert archive.run("images", mirror=site.url, DOWNLOAD_DELAY="0").returncode == 0
    assert mine.read_bytes() == before
    assert any(not source.startswith("https://") for _, source, _ in shown(archive))


def test_a_lost_picture_is_fetched_again(archive: TemporaryArchive, site: SampleSite) -> None:
    archive.crawl("sina_finance", mirror=site.url, **ON)
    (file,) = files(archive)
    file.write_bytes(b"damaged")
    done = archive.run("verify", "--repair", **ON)
    assert "no_picture: images/" in done.stderr
    assert archive.crawl("sina_finance", mirror=site.url, **ON).returncode == 0
    assert archive.run("verify", **ON).returncode == 0


def picture(form: str, size: tuple[int, int] = (2, 2), **more: object) -> bytes:
    out = BytesIO()
    Image.new("RGB", size, "white").save(out, form, **more)
    return out.getvalue()


def test_what_counts_as_a_picture() -> None:
    assert picture_path(picture("JPEG")).endswith(".jpg")
    animated = picture("GIF", save_all=True, append_images=[Image.new("RGB", (2, 2), "red")])
    assert picture_path(animated).endswith(".gif")
    for bad in (
        b"",
        b"<svg xmlns='x'/>",
        b"%PDF-1.4",
        picture("PNG")[:40],
        picture("TIFF"),
        picture("PNG", (8000, 8000)),
    ):
        with pytest.raises(BadPicture):
            picture_path(bad)
    with pytest.raises(BadPicture, match="too_large"):
        picture_path(b"\0" * (MOST_BYTES + 1))


def test_an_address_that_is_none_fails_alone(archive: TemporaryArchive, site: SampleSite) -> None:
    archive.crawl("sina_finance", mirror=site.url)
    archive.run("images", "-a", "limit=1", mirror=site.url, DOWNLOAD_DELAY="0")
    ((article,),) = archive.query("SELECT article_id FROM pictures LIMIT 1")
    archive.write(
        "INSERT INTO pictures (article_id, url, attempts, next_try_at) "
        f"VALUES ('{article}', 'http://[n.sinaimg.cn/x.png', 0, '2020-01-01 00:00:00')"
    )
    done = archive.crawl("sina_finance", mirror=site.url, timeout=20, **ON)
    assert done.returncode == 0, done.stderr
    assert archive.query("SELECT reason FROM pictures WHERE url LIKE '%[%'") == [("bad_url",)]


def test_a_mistake_of_ours_is_not_repeated_for_ever(
    archive: TemporaryArchive, site: SampleSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def broken(self: PicturePipeline, wanted: WantedPictures) -> None:
        asked.append(wanted.article_id)
        raise KeyError("a bug")

    monkeypatch.setattr(PicturePipeline, "finish", broken)
    with pytest.raises(AssertionError):  # a traceback is told
        archive.crawl("sina_finance", mirror=site.url, timeout=20, **ON)
    assert 0 < len(asked) <= 2 * len(set(asked)), "the writer does alone what failed together"


def test_a_machine_without_posts_leaves_pictures_to_those_that_have_them(
    archive: TemporaryArchive, site: SampleSite
) -> None:
    assert archive.crawl("sina_finance", mirror=site.url, SINANEWS_POSTS="0", **ON).returncode == 0
    assert archive.query("SELECT count(*) FROM pictures WHERE path IS NOT NULL") == [(0,)]
    assert files(archive) == []
    archive.run("rewrite")
    assert archive.crawl("sina_finance", mirror=site.url, **ON).returncode == 0
    assert shown(archive) and all(not source.startswith("https://") for _, source, _ in shown(archive))


def test_bodies_as_they_came_show_the_pictures_of_the_site(archive: TemporaryArchive, site: SampleSite) -> None:
    assert archive.crawl("sina_finance", mirror=site.url, SINANEWS_BODY="verbatim", **ON).returncode == 0
    assert files(archive) and not any("data-original" in text for text in bodies(archive).values())
    assert archive.run("verify", SINANEWS_BODY="verbatim", **ON).returncode == 0


def test_of_two_workers_one_has_an_articles_pictures(catalogue: Catalogue) -> None:
    now = datetime(2026, 11, 24, tzinfo=timezone.utc)
    catalogue.pictures.want("a", ["https://n.sinaimg.cn/1.png"], now)
    assert catalogue.pictures.take("a", now)
    assert not catalogue.pictures.take("a", now) and catalogue.pictures.due(now, 9) == []
    later = now + timedelta(minutes=11)
    assert [one.article_id for one in catalogue.pictures.due(later, 9)] == ["a"], "it died with them"
    assert catalogue.pictures.stored("a", "https://n.sinaimg.cn/1.png", "images/1.png", 7)
    assert not catalogue.pictures.stored("b", "https://n.sinaimg.cn/1.png", "images/1.png", 7)
    assert catalogue.pictures.weight() == (1, 7, 0)


def test_status_says_how_many_there_are_and_what_they_weigh(archive: TemporaryArchive, site: SampleSite) -> None:
    archive.crawl("sina_finance", mirror=site.url, **ON)
    told = json.loads(archive.run("status", "--json").stdout)["pictures"]
    assert told == {"files": 1, "bytes": files(archive)[0].stat().st_size, "wanted": 0}
    assert "\nPictures: 1, 0.0 MB\n" in archive.run("status").stdout


def test_a_signal_leaves_pictures_to_a_later_run(archive: TemporaryArchive, site: SampleSite) -> None:
    site.faults.set("slow", 1.0, where="image")
    process = start(archive, site, **ON)
    wait_for(lambda: any(r.host == "n.sinaimg.cn" and r.path != "/robots.txt" for r in site.requests), process)
    process.terminate()
    told = process.communicate(timeout=30)[1]
    assert "Traceback" not in told, told
    assert archive.query("SELECT count(*) FROM pictures WHERE attempts > 0") == [(0,)], "a signal is no failure"
    site.faults.clear()
    assert archive.crawl("sina_finance", mirror=site.url, **ON).returncode == 0
    assert all(not source.startswith("https://") for _, source, _ in shown(archive))

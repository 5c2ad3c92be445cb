"""Pictures: fetched beside the crawl, checked, stored once, and shown by posts; what fails stays remote."""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path

import pytest

from sinanews.exceptions import BadPicture
from sinanews.pictures.checks import MOST_BYTES, picture_path
from sinanews.samplesite import SampleSite
from tests.conftest import TemporaryArchive

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

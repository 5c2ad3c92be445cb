"""Files of ours that somebody edited, deleted or cut, and a catalogue that is gone."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from datetime import datetime, timezone
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from sinanews.archive.rewriting import Rewriter
from sinanews.catalogue import Catalogue
from sinanews.cleaning import CleanBody
from sinanews.commands import catalogue as rebuilding
from sinanews.commands.catalogue import rebuild
from sinanews.items import ArticleItem
from sinanews.posts.exporter import FrontMatterItemExporter, PostRenderer
from sinanews.posts.folder import ExportFolder, aside_path
from sinanews.posts.naming import post_path
from sinanews.samplesite import SampleSite
from sinanews.watch.verification import check, repair
from tests.conftest import PROJECT, TemporaryArchive
from tests.faults.harness import assert_invariant, crawl, offered, pages_asked, visible_posts
from tests.test_catalogue import states

NOW = datetime(2026, 11, 20, tzinfo=timezone.utc)


def kinds(archive: TemporaryArchive) -> dict[str, str]:
    """path → kind, as ``scrapy verify --json`` tells."""
    done = archive.run("verify", "--json")
    told = json.loads(done.stdout)
    assert done.returncode == int(not told["clean"]), done.stderr
    assert all(finding["remedy"] for finding in told["findings"])
    return {finding["what"]: finding["kind"] for finding in told["findings"]}


def test_what_was_deleted_changed_or_cut_is_named_and_brought_back(archive: TemporaryArchive) -> None:
    with SampleSite(articles=30) as site:
        assert crawl(archive, site).returncode == 0
        assert kinds(archive) == {}
        names = [p.relative_to(archive.exports).as_posix() for p in visible_posts(archive)]
        before = {p: p.read_bytes() for p in visible_posts(archive)}
        deleted, changed, cut, doubled = visible_posts(archive)[:4]
        deleted.unlink()
        changed.write_bytes(before[changed].replace("。".encode(), "！".encode(), 1))
        cut.write_bytes(before[cut][: len(before[cut]) // 2])
        second = doubled.with_name("2020-01-01-又一个-" + doubled.name.rsplit("-", 1)[1])
        shutil.copy(doubled, second)
        leftover = archive.exports / ".tmp" / "0123456789abcdef"
        leftover.write_bytes(b"half")
        os.utime(leftover, (time.time() - 300,) * 2)
        expected = dict(zip(names, ("missing", "changed", "cut"), strict=False))
        expected |= {second.relative_to(archive.exports).as_posix(): "second", ".tmp/0123456789abcdef": "leftover"}
        assert kinds(archive) == expected
        site.requests.clear()
        done = archive.run("verify", "--repair", mirror=site.url)
        assert done.returncode == 1 and "changed" in done.stdout, done.stdout + done.stderr
        assert kinds(archive) == {expected_name(changed, archive): "changed"}, "people edit their posts"
        done = archive.run("verify", "--repair", "--force", mirror=site.url)
        assert done.returncode == 0, done.stdout + done.stderr
        assert pages_asked(site) == [], "the catalogue has them all"
        assert {p: p.read_bytes() for p in visible_posts(archive)} == before, "and they come back as they were"
        assert "！" in (archive.exports / ".superseded" / expected_name(changed, archive)).read_text("utf-8")
        assert kinds(archive) == {}
        assert_invariant(archive, offered(site))


def test_what_the_catalogue_does_not_keep_is_fetched_again(archive: TemporaryArchive) -> None:
    with SampleSite(articles=10) as site:
        assert crawl(archive, site).returncode == 0
        before = {p: p.read_bytes() for p in visible_posts(archive)}
        archive.write("DELETE FROM contents")
        deleted, changed, cut = visible_posts(archive)[:3]
        deleted.unlink()
        changed.write_bytes(before[changed].replace("。".encode(), "！".encode(), 1))
        cut.write_bytes(before[cut][: len(before[cut]) // 2])
        site.requests.clear()
        done = archive.run("verify", "--repair", "--force", mirror=site.url)
        assert done.returncode == 0, done.stdout + done.stderr
        assert len(pages_asked(site)) == 3, "only what is missing is asked for"
        assert {p: p.read_bytes() for p in visible_posts(archive)} == before
        assert "！" in (archive.exports / ".superseded" / expected_name(changed, archive)).read_text("utf-8")


def expected_name(path: Path, archive: TemporaryArchive) -> str:
    return path.relative_to(archive.exports).as_posix()


def test_a_seed_and_a_flash_come_back_without_their_source(archive: TemporaryArchive) -> None:
    archive.crawl("seeds")
    with SampleSite(articles=1, live=3) as site:
        archive.crawl("sina_live", mirror=site.url)
    before = {p: p.read_bytes() for p in visible_posts(archive)}
    for post, data in before.items():
        post.write_bytes(data[:-40])
    done = archive.run("verify", "--repair")
    assert done.returncode == 0, done.stdout
    assert {p: p.read_bytes() for p in visible_posts(archive)} == before
    assert kinds(archive) == {}


def test_a_seed_that_is_not_kept_is_read_again(archive: TemporaryArchive) -> None:
    archive.crawl("seeds")
    archive.write("DELETE FROM contents")
    (post,) = visible_posts(archive)
    data = post.read_bytes()
    post.write_bytes(data[:-40])
    done = archive.run("verify", "--repair")
    assert done.returncode == 1 and "crawl seeds" in done.stdout
    assert archive.crawl("seeds").returncode == 0
    assert post.read_bytes() == data
    assert kinds(archive) == {}


def test_files_of_others_are_left_alone(archive: TemporaryArchive) -> None:
    archive.crawl("seeds")
    notes = {"README.md": "mine", "金融/notes.md": "mine too", "stray.md": "\n---\ntitle: x\n---\n"}
    for name, text in notes.items():
        (archive.exports / name).write_text(text, "utf-8")
    (archive.exports / "outside").symlink_to(PROJECT, target_is_directory=True)
    assert kinds(archive) == {"金融/notes.md": "foreign", "stray.md": "foreign"}
    assert archive.run("verify", "--repair").returncode == 1
    assert {name: (archive.exports / name).read_text("utf-8") for name in notes} == notes


def test_a_checkout_with_its_own_files_is_clean(archive: TemporaryArchive) -> None:
    shutil.copytree(PROJECT / "exports", archive.exports, ignore=shutil.ignore_patterns(".*", "demo"))
    archive.crawl("seeds")
    assert (archive.exports / "README.md").exists()
    assert kinds(archive) == {}
    assert archive.run("verify").stdout == "sinanews: posts and catalogue agree\n"
    archive.database.unlink()
    done = archive.run("catalogue", "rebuild")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert kinds(archive) == {}


@pytest.fixture
def one_post(tmp_path: Path) -> tuple[Catalogue, Path, bytes]:
    """A catalogue with one exported post, its path relative to the exports, and its bytes."""
    catalogue = Catalogue(f"sqlite:///{tmp_path}/catalogue.db")
    body = "<p>　　正文。</p>\n<div>\n            <p>内</p>\n</div>\n            <p>尾。</p>"
    item = ArticleItem("imizmscv8626000", None, "题目", body_html=body, categories=["金融"])
    file = BytesIO()
    FrontMatterItemExporter(file, verbatim=True).export_item(item)
    data, path = file.getvalue(), post_path(item).as_posix()
    ExportFolder(tmp_path).write(path, data)
    values = {"state": "exported", "path": path, "file_digest": hashlib.sha256(data).hexdigest()}
    catalogue.record(item.id, NOW, **values)
    return catalogue, Path(path), data


def test_cut_is_cut_and_changed_is_changed(one_post: tuple[Catalogue, Path, bytes], tmp_path: Path) -> None:
    catalogue, path, data = one_post

    def kind(changed: bytes) -> str:
        (tmp_path / path).write_bytes(changed)
        (finding,) = check(catalogue, tmp_path)
        return finding.kind

    assert {kind(data[:size]) for size in range(len(data))} == {"cut"}
    added = (b"more", b"\n", b"\n<p>more</p>\n", b" " * 12, data)
    assert {kind(data + more) for more in added} == {"changed"}
    stripped = b"\n".join(line.rstrip() for line in data.split(b"\n")) + b"\n"
    others = (data.replace("正".encode(), "反".encode()), data.replace(b"\n", b"\r\n"), stripped, b"x" + data)
    assert {kind(other) for other in others} == {"changed"}
    catalogue.close()


@pytest.mark.parametrize(
    ("article", "values", "remedy"),
    [
        ("imizmscv8626000", {"url": "https://finance.sina.com.cn/a.shtml"}, "--repair has it fetched again"),
        ("seed-0123456789abcdef", {}, "--repair, then: scrapy crawl seeds -a path=WHERE_IT_LIES"),
        ("live-152-9", {"channel": "live-152", "published_at": NOW},
         "--repair, then: scrapy crawl sina_live -a rooms=152 -a since=2026-11-20, while the feed still has it; "
         "else only a backup of yours brings it back"),
        ("imizmscv8626000", {"channel": "macro", "published_at": NOW},
         "--repair, then: scrapy crawl sina_finance -a channels=macro -a since=2026-11-20 -a until=2026-11-20 -a recheck=1"),
        ("imizmscv8626000", {}, "--repair, then: a crawl that meets it in a list; else only a backup of yours brings it back"),
    ],
)  # fmt: skip
def test_the_remedy_is_one_that_can_help(tmp_path: Path, article: str, values: dict[str, Any], remedy: str) -> None:
    catalogue = Catalogue(f"sqlite:///{tmp_path}/catalogue.db")
    catalogue.record(article, NOW, state="exported", path="金融/a.md", file_digest="x", **values)
    (finding,) = check(catalogue, tmp_path)
    assert (finding.kind, finding.remedy) == ("missing", remedy)
    repair([finding], Rewriter(catalogue, ExportFolder(tmp_path), PostRenderer()), NOW)
    (finding,) = check(catalogue, tmp_path)
    assert (finding.kind, finding.remedy) == ("waiting", remedy.removeprefix("--repair, then: "))
    catalogue.close()


def test_a_repair_takes_no_post_away_before_there_is_another(
    one_post: tuple[Catalogue, Path, bytes], tmp_path: Path
) -> None:
    catalogue, path, data = one_post
    (tmp_path / path).write_bytes(data + b"more")
    rewriter = Rewriter(catalogue, ExportFolder(tmp_path), PostRenderer(), force=True)
    repair(check(catalogue, tmp_path), rewriter, NOW, force=True)
    assert (tmp_path / path).read_bytes() == (tmp_path / ".superseded" / path).read_bytes() == data + b"more"
    catalogue.close()


def test_a_whole_archive_that_is_away_is_not_fetched_again(archive: TemporaryArchive) -> None:
    archive.crawl("seeds")
    archive.exports.rename(archive.folder / "away")
    for words in (("verify",), ("verify", "--repair")):
        done = archive.run(*words)
        assert done.returncode == 6
        assert done.stderr.count("\n") == 1 and f"there is no folder {archive.exports}" in done.stderr
    assert archive.ids() and not archive.exports.exists()


def test_links_in_the_place_of_our_folders_are_told_and_not_followed(archive: TemporaryArchive, tmp_path: Path) -> None:
    archive.crawl("seeds")
    outside = tmp_path / "outside"
    outside.mkdir()
    leftover = outside / "0123456789abcdef"
    leftover.write_bytes(b"whole")
    os.utime(leftover, (time.time() - 90_000,) * 2)
    shutil.rmtree(archive.exports / ".tmp")
    for name in (".tmp", ".superseded"):
        (archive.exports / name).symlink_to(outside, target_is_directory=True)
    assert kinds(archive) == {".tmp": "in_the_way", ".superseded": "in_the_way"}
    for words in (("verify", "--repair"), ("crawl", "seeds")):
        done = archive.run(*words)
        assert done.returncode == 6 and "symbolic link is in the way" in done.stderr.splitlines()[-1]
    assert leftover.read_bytes() == b"whole" and list(outside.iterdir()) == [leftover]


def test_what_a_rebuild_knows_by_its_post_alone_keeps_no_run_from_going_on(archive: TemporaryArchive) -> None:
    """A rebuilt row has no address; repaired, it waits for a list to name it."""
    with SampleSite(articles=12) as site:
        assert crawl(archive, site).returncode == 0
        for file in archive.folder.glob("catalogue.db*"):
            file.unlink()
        assert archive.run("catalogue", "rebuild").returncode == 0
        archive.write("DELETE FROM contents")
        deleted = visible_posts(archive)[0]
        before = deleted.read_bytes()
        deleted.unlink()
        done = archive.run("verify", "--repair", mirror=site.url)
        assert done.returncode == 1 and "-a recheck=1" in done.stdout
        assert crawl(archive, site).returncode == 0
        assert deleted.read_bytes() == before


def test_a_lost_catalogue_is_rebuilt_from_the_posts(archive: TemporaryArchive) -> None:
    with SampleSite(articles=30) as site:
        assert crawl(archive, site).returncode == 0
        archive.crawl("seeds")
        exported, columns = archive.ids(), "id, path, file_digest, content_digest, text_digest, channel"
        rows = set(archive.query(f"SELECT {columns} FROM articles WHERE state = 'exported'"))
        files = {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in visible_posts(archive)}
        for file in archive.folder.glob("catalogue.db*"):
            file.unlink()
        assert archive.run("verify").returncode == 1
        done = archive.run("catalogue", "rebuild")
        assert done.returncode == 0, done.stderr
        assert f"{len(exported)} taken in" in done.stdout
        assert set(archive.query(f"SELECT {columns} FROM articles WHERE state = 'exported'")) == rows
        assert kinds(archive) == {}
        site.requests.clear()
        assert crawl(archive, site).returncode == 0
        archive.crawl("seeds")
        have = {entry.url.split("/", 3)[3] for entry in site.entries if entry.id in exported}
        assert not have & {path.lstrip("/") for path in pages_asked(site)}, "nothing is downloaded twice"
        assert {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in visible_posts(archive)} == files
        again = archive.run("catalogue", "rebuild")
        assert f"{len(exported)} known already" in again.stdout
        seeds = {one for one in exported if one.startswith("seed-")}
        assert_invariant(archive, offered(site) | seeds)


def test_a_post_set_aside_only_in_the_catalogue_is_set_aside_by_the_next_run(tmp_path: Path) -> None:
    """Killed between the commit that a better copy has its place and the move."""
    folder = ExportFolder(tmp_path)
    folder.write("金融/a.md", b"a")
    folder.write("金融/b.md", b"b")
    folder.finish_moves([aside_path("金融/a.md"), aside_path("金融/gone.md")])
    assert not folder.has("金融/a.md") and folder.has(aside_path("金融/a.md")) and folder.has("金融/b.md")


def test_a_move_is_finished_also_where_an_earlier_copy_lies(tmp_path: Path) -> None:
    """A repair had kept an edited post aside before the better copy came, and the kill."""
    folder = ExportFolder(tmp_path)
    folder.write("金融/a.md", b"edited")
    folder.keep_copy("金融/a.md")
    folder.write("金融/a.md", b"whole")
    folder.finish_moves([aside_path("金融/a.md")])
    assert not folder.has("金融/a.md")
    assert {path.read_bytes() for path in (tmp_path / ".superseded").rglob("*.md")} == {b"edited", b"whole"}


def test_rebuild_reads_the_files_after_whatever_a_file_holds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that our code stumbles over (here: as if it did) is one line."""
    exports, post = tmp_path / "exports", "---\ntitle: {}\ndate: 2022-09-01 08:00:00\n---\n<div>   \n{}  \n</div>\n"
    bodies = [
        "<p>x</p>&#8;<p>y</p>",
        "<p>a</p>&#xFFFE;b",
        "&#xD800;",
        '<a href="http://[::1">x</a>',
        "stumble",
        "<p>末</p>",
    ]
    titles = ["t", '"\\uD800 t"', "t", "t", "t", "t"]
    exports.mkdir()
    for n, (title, body) in enumerate(zip(titles, bodies, strict=True)):
        (exports / f"2022-09-01-t-seed-{n:016}.md").write_text(post.format(title, body), "utf-8")
    (exports / "2022-09-01-\udcff-seed-9.md").write_text(post.format("t", "<p>x</p>"))
    real = rebuilding.clean_body

    def stumbles(body: str, url: str | None) -> CleanBody:
        if body == "stumble":
            raise ValueError("of a library,\nin two lines")
        return real(body, url)

    monkeypatch.setattr(rebuilding, "clean_body", stumbles)
    catalogue = Catalogue(f"sqlite:///{tmp_path}/catalogue.db")
    assert rebuild(catalogue, exports, NOW) == 1
    lines = capsys.readouterr().err.splitlines()
    assert "left out: 2022-09-01-t-seed-0000000000000004.md: ValueError: of a library, in two lines" in lines
    assert all(line.startswith("left out: 2022-09-01-") for line in lines)
    assert catalogue.article("seed-0000000000000005") is not None
    assert states(catalogue)["exported"] + len(lines) == len(bodies) + 1
    catalogue.close()


def test_an_id_that_could_not_be_a_file_name_is_known_again(tmp_path: Path) -> None:
    strange, exports = "Finance_2019/ABC", tmp_path / "exports"
    item = ArticleItem(strange, None, "题目", body_html="<p>　　正文。</p>", categories=["金融"])
    file = BytesIO()
    FrontMatterItemExporter(file).export_item(item)
    ExportFolder(exports).write(post_path(item).as_posix(), file.getvalue())
    catalogue = Catalogue(f"sqlite:///{tmp_path}/catalogue.db")
    assert rebuild(catalogue, exports, NOW) == 0
    known = catalogue.known([strange, "imizmscv8626000"])
    assert set(known) == {strange} and known[strange].done
    row = catalogue.article(strange)
    assert row is not None and row.path == post_path(item).as_posix()
    catalogue.close()

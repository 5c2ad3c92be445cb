"""``scrapy export``: what other programs read is what the archive has, whatever its texts hold."""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from sinanews import Archive
from sinanews.catalogue import Catalogue
from sinanews.out.exporting import MANIFEST
from sinanews.out.tables import COLUMNS
from sinanews.posts import read_post
from tests.conftest import PROJECT, TemporaryArchive
from tests.test_out import store

HOSTILE = {
    "formula": "=HYPERLINK(\"http://a.example\",\"b\")", "wide": "＋1", "control": "降\x00准\x1b[31m\x08\r\n二行\u2028",
    "cdata": "a]]>b<![CDATA[&amp;", "surrogate": "降\udfff准", "quotes": '"a",\'b\'\n;\t|', "empty": "", "large": "文" * 350_000,
    "yaml": "---\ntitle: x\n---", "right-to-left": "\u202e降\u2066准",
}  # fmt: skip


@pytest.fixture
def filled(archive: TemporaryArchive) -> TemporaryArchive:
    archive.folder.mkdir(exist_ok=True)
    catalogue = Catalogue(archive.place["SINANEWS_DATABASE"])
    for hours, (name, text) in enumerate(HOSTILE.items()):
        its = text.replace("\udfff", "")  # the catalogue's columns take no lone surrogate, its contents do
        words = {"summary": text, "media": its or None, "body_text": text, "keywords": [text] if text else []}
        store(catalogue, name, hours * 200, title=its or "题", body_html=f"<p>{text}</p>", **words)
    store(catalogue, "untimed", None)
    catalogue.close()
    return archive


def export(archive: TemporaryArchive, *words: str) -> str:
    done = archive.run("export", *words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def rows(archive: TemporaryArchive) -> dict[str, Any]:
    with Archive(archive.place["SINANEWS_DATABASE"]) as opened:
        return {one.id: one for one in opened}


def test_three_programs_read_the_same_table_from_parquet(filled: TemporaryArchive) -> None:
    duckdb, pandas, polars = (pytest.importorskip(name) for name in ("duckdb", "pandas", "polars"))
    file, folder, wanted = filled.folder / "a.parquet", filled.folder / "months", rows(filled)
    assert "11 articles" in export(filled, str(file)) and "11 articles" in export(filled, str(folder))
    frame = pandas.read_parquet(file)
    assert str(frame.published_at.dtype) == "datetime64[us, Asia/Shanghai]" and list(frame.columns) == list(COLUMNS)
    assert frame.id.tolist()[-1] == "untimed" and frame.published_at[:-1].is_monotonic_increasing
    for one in frame.to_dict("records"):
        it = wanted[one["id"]]
        assert (one["title"], list(one["keywords"])) == (text(it.title), [text(word) for word in it.keywords])
        assert one["body_text"] == text(it.body_text) and (
            one["id"] == "untimed" or one["published_at"] == it.published_at
        )
    for path, hive in ((file, False), (f"{folder}/**/*.parquet", True)):
        table = polars.read_parquet(path, hive_partitioning=hive)
        assert (table.height, table["published_at"].dtype) == (11, polars.Datetime("us", "Asia/Shanghai"))
        assert table["keywords"].dtype == polars.List(polars.String)
        found = duckdb.sql(f"SELECT id, title, keywords, typeof(published_at) FROM read_parquet('{path}')").fetchall()
        assert {row[0]: row[1] for row in found} == {name: text(it.title) for name, it in wanted.items()}
        assert {row[3] for row in found} == {"TIMESTAMP WITH TIME ZONE"}
    assert set(pandas.read_parquet(folder).month) == {"2026-09", "2026-10", "2026-11", "unknown"}


def text(value: str) -> str:
    return value.replace("\udfff", "\ufffd")


def test_lines_of_json_say_all_and_a_manifest_counts_them(filled: TemporaryArchive) -> None:
    for name in ("a.jsonl", "a.jsonl.gz"):
        file = filled.folder / name
        export(filled, str(file))
        data = gzip.decompress(file.read_bytes()) if name.endswith("gz") else file.read_bytes()
        lines = [json.loads(line) for line in data.decode().split("\n")[:-1]]
        assert {one["id"]: one["body_text"] for one in lines} == {
            n: text(it.body_text) for n, it in rows(filled).items()
        }
        assert lines[0]["published_at"].endswith("+08:00") and list(lines[0]) == list(COLUMNS)
        manifest = json.loads(file.with_name(f"{name}.manifest.json").read_text("utf-8"))
        assert manifest["articles"] == 11 and manifest["columns"] == list(COLUMNS)
        assert manifest["files"][0]["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()


def test_no_cell_of_a_spreadsheet_is_a_formula(filled: TemporaryArchive) -> None:
    file = filled.folder / "a.csv"
    export(filled, str(file))
    assert file.read_bytes().startswith(b"\xef\xbb\xbfid,url,title")
    csv.field_size_limit(1 << 24)
    with file.open(encoding="utf-8-sig", newline="") as opened:
        found = {one["id"]: one for one in csv.DictReader(opened)}
    assert found.keys() == rows(filled).keys()
    assert (found["formula"]["title"], found["wide"]["title"]) == (f"'{HOSTILE['formula']}", "'＋1")
    assert not [cell for one in found.values() for cell in one.values() if cell.startswith(("=", "+", "-", "@", "＋"))]
    assert found["control"]["title"].startswith("降准[31m") and found["large"]["body_text"] == HOSTILE["large"]


def test_only_the_months_that_changed_are_written_again(filled: TemporaryArchive) -> None:
    folder = filled.folder / "months"
    assert "4 months written" in export(filled, str(folder))
    assert "0 months written" in export(filled, str(folder))
    catalogue = Catalogue(filled.place["SINANEWS_DATABASE"])
    store(catalogue, "cdata", 800, title="改", revision=2)
    catalogue.listed(
        [{"id": "formula", "url": "u", "title": "t", "published_at": None}], "macro", datetime.now(timezone.utc)
    )
    october = (folder / "month=2026-09" / "articles.parquet").stat().st_mtime_ns
    assert "11 articles" in (said := export(filled, str(folder))) and "2 months written" in said
    assert (folder / "month=2026-09" / "articles.parquet").stat().st_mtime_ns == october
    (folder / "month=2026-09" / "articles.parquet").write_bytes(b"cut")
    assert "1 month written" in export(filled, str(folder))
    with catalogue.begin() as connection:
        connection.exec_driver_sql("UPDATE articles SET state = 'duplicate' WHERE id = 'untimed'")
    catalogue.close()
    assert "10 articles" in export(filled, str(folder))
    assert not (folder / "month=unknown" / "articles.parquet").exists()
    assert "4 months" not in export(filled, str(folder), "-a", "since=2026-11-01")
    manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
    assert [file["path"] for file in manifest["files"]] == ["month=2026-11/articles.parquet"]


def test_posts_come_as_a_folder_or_one_after_the_other(filled: TemporaryArchive) -> None:
    folder = filled.folder / "posts"
    export(filled, str(folder), "--posts", "-a", "ids=cdata,quotes")
    posts = {path.stem: read_post(path.read_bytes()) for path in folder.rglob("*.md")}
    assert {name: post.title for name, post in posts.items()} == {name: HOSTILE[name] for name in ("cdata", "quotes")}
    export(filled, str(filled.folder / "a.md"), "-a", "ids=cdata,quotes")
    assert (filled.folder / "a.md").read_text("utf-8").count("\ncomments: false\n") == 2


@pytest.mark.parametrize(("words", "said"), [
    (("a.xlsx",), ".parquet, .jsonl"), (("a.csv", "-a", "since=never"), "since='never'"), (("a.csv", "-a", "x=1"), "ids"),
    (("a.csv", "-a", "channels=chnia"), "chnia"), (("exports", "--posts"), "another folder"),
])  # fmt: skip
def test_a_mistake_is_one_line_and_writes_nothing(filled: TemporaryArchive, words: tuple[str, ...], said: str) -> None:
    done = filled.run("export", str(filled.folder / words[0]), *words[1:])
    assert done.returncode == 2 and said in done.stderr and done.stderr.count("\n") == 1
    assert sorted(path.name for path in filled.folder.iterdir() if "catalogue" not in path.name) == []


def test_a_table_that_cannot_be_written_leaves_the_one_before(filled: TemporaryArchive, monkeypatch: Any) -> None:
    file = filled.folder / "a.jsonl"
    export(filled, str(file))
    before = file.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("sinanews.out.tables.JsonLines.write", full)
    done = filled.run("export", str(file))
    assert (done.returncode, done.stderr) == (6, f"sinanews: cannot write {file}: No space left on device\n")
    assert file.read_bytes() == before and len(list(filled.folder.glob("*jsonl*"))) == 2


def test_the_columns_are_documented_in_their_order() -> None:
    guide = (PROJECT / "docs" / "data.md").read_text("utf-8")
    table = guide.split("## Columns")[1].split("\n## ")[0]
    assert [line.split("`")[1] for line in table.splitlines() if line.startswith("| `")] == list(COLUMNS)


def test_the_lines_that_the_guide_shows_run_as_written(
    filled: TemporaryArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("duckdb", "pandas", "polars"):
        pytest.importorskip(name)
    filled.exports.mkdir()
    catalogue = Path(filled.database)
    (filled.exports / ".catalogue.db").write_bytes(catalogue.read_bytes())
    export(filled, str(filled.folder / "articles.parquet"))
    monkeypatch.chdir(filled.folder)
    for guide in ("README.md", "docs/data.md"):
        text_of_guide = (PROJECT / guide).read_text("utf-8")
        blocks = [block.split("```")[0] for block in text_of_guide.split("```python\n")[1:]]
        assert len(blocks) >= 1
        for block in blocks:
            exec(compile(block, guide, "exec"), {})

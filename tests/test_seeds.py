"""Posts on disk: other blogs' Markdown, and what becomes of files that are edited, moved, copied, swapped, deleted."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path

from sinanews.samplesite import SampleSite
from tests.conftest import TemporaryArchive

STORIES = SampleSite(articles=30, shares={}, reprints=0).entries


def text(number: int, last: str = "") -> str:
    return "\n\n".join([*STORIES[number].text().paragraphs, *filter(None, [last])])


def write(folder: Path, name: str, title: str, body: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"---\ntitle: {title}\ndate: 2026-11-20 09:00:00\ncategories: [甲, 乙]\n---\n{body}\n", "utf-8")


def rows(archive: TemporaryArchive) -> dict[str, tuple[str, str, int]]:
    """title → id, state, revision."""
    found = archive.query("SELECT title, id, state, revision FROM articles")
    return {str(title): (str(key), str(state), int(str(revision))) for title, key, state, revision in found}


def files(archive: TemporaryArchive) -> dict[str, str]:
    return {str(path): str(key) for path, key in archive.query("SELECT path, article_id FROM seed_files")}


def test_what_becomes_of_files(archive: TemporaryArchive) -> None:
    """Every row of the table in spiders/seeds.py, in three runs."""
    folder = archive.folder / "posts"
    names = "same edited titled appended moved copied original swapped1 swapped2 deleted broken becomes other replaced"
    for number, name in enumerate(names.split()):
        write(folder, f"{name}.md", name, text(number))
    assert archive.crawl("seeds", "-a", f"path={folder}").returncode == 0
    before, at = rows(archive), files(archive)
    assert len(before) == len(at) == len(archive.posts) == 14
    assert all(at[f"{name}.md"] == before[name][0] for name in before)
    old_posts = {post.name.rsplit("-", 1)[1]: post for post in archive.posts}

    write(folder, "edited.md", "edited", text(1).replace("，", "、", 1))
    write(folder, "titled.md", "titled 更正", text(2))
    write(folder, "appended.md", "appended", text(3, "补充：公司当晚发布说明，称以公告为准。"))
    (folder / "moved.md").rename(folder / "sub.md")
    (folder / "copy.md").write_bytes((folder / "copied.md").read_bytes())
    (folder / "original copy.md").write_bytes((folder / "original.md").read_bytes())
    write(folder, "original.md", "original 改", text(20))  # the copy has its old content
    one, two = folder / "swapped1.md", folder / "swapped2.md"
    both = one.read_bytes(), two.read_bytes()
    two.write_bytes(both[0]), one.write_bytes(both[1])
    (folder / "deleted.md").unlink()
    (folder / "broken.md").write_text("no header any more", "utf-8")
    (folder / "becomes.md").write_bytes((folder / "other.md").read_bytes())
    (folder / "replaced.md").rename(folder / "z-replaced.md")
    write(folder, "replaced.md", "at its old path", text(21))

    archive.crawl("seeds", "-a", f"path={folder}")
    after, now = rows(archive), files(archive)
    for name in ("edited", "appended"):
        assert after[name] == (before[name][0], "exported", 2), name
    assert after["titled 更正"] == (before["titled"][0], "exported", 2)
    for name in set(before) - {"edited", "titled", "appended"}:
        assert after[name] == before[name], name
    assert {p.name.rsplit("-", 1)[1] for p in archive.posts} > set(old_posts), "no post is gone"
    assert "补充：公司当晚" in old_posts[f"{before['appended'][0].removeprefix('seed-')}.md"].read_text("utf-8")
    kept = archive.query("SELECT article_id, revision, title FROM revisions")
    assert {(i, r) for i, r, _ in kept} == {(before[n][0], 1) for n in ("edited", "titled", "appended")}
    assert "moved.md" not in now and now["sub.md"] == before["moved"][0]
    assert now["copy.md"] == now["copied.md"] == before["copied"][0]
    assert now["original copy.md"] == before["original"][0] != now["original.md"] == after["original 改"][0]
    assert (now["swapped1.md"], now["swapped2.md"]) == (before["swapped2"][0], before["swapped1"][0])
    assert now["becomes.md"] == before["other"][0]
    assert now["z-replaced.md"] == before["replaced"][0] != now["replaced.md"] == after["at its old path"][0]
    assert len(archive.posts) == 16

    write(folder, "edited.md", "edited", text(1))  # back to what it was
    write(folder, "broken.md", "broken", text(10, "又能读了，并且多了一段。"))
    assert archive.crawl("seeds", "-a", f"path={folder}").returncode == 0
    assert rows(archive)["edited"] == (before["edited"][0], "exported", 3)
    assert rows(archive)["broken"] == (before["broken"][0], "exported", 2)
    done = archive.crawl("seeds", "-a", f"path={folder}")
    assert "nothing new" in done.stdout and "0 articles exported" in done.stdout, done.stdout


def test_a_catalogue_without_paths_knows_files_by_their_content(archive: TemporaryArchive) -> None:
    folder = archive.folder / "posts"
    write(folder, "a.md", "标题", text(0))
    archive.crawl("seeds", "-a", f"path={folder}")
    with_paths = archive.query("SELECT root, path, article_id, digest FROM seed_files")
    with sqlite3.connect(archive.database) as connection:  # as 1.0.0 left it
        connection.execute("DELETE FROM seed_files")
    assert "nothing new" in archive.crawl("seeds", "-a", f"path={folder / 'a.md'}").stdout
    assert archive.query("SELECT root, path, article_id, digest FROM seed_files") == with_paths


MARKDOWN = """---
title: 一篇技术笔记
tags: [java, 笔记]
cover: /img/cover.png
---
## 小标题

第一段，**加粗**，`i<n` 与 List<Object> 以及 <select> 和 {{ x }}。
<!-- more -->
第二行见[文档](http://docs.example.org/a)，[邮件](mailto:a@example.org)。

| 列一 | 列二 |
| --- | --- |
| 甲 | 乙 |

```java
for (int i = 0; i<n; i++) {

    print("{{ i }}");
}
```

> 引文

![图](../images/a.png)
![远](http://pics.example.org/b.png)
"""


def test_a_markdown_post_keeps_its_form(archive: TemporaryArchive) -> None:
    folder = archive.folder / "posts"
    folder.mkdir()
    (folder / "2019-05-01-note.md").write_text(MARKDOWN, "utf-8")
    done = archive.crawl("seeds", "-a", f"path={folder}", "-O", str(archive.feed))
    assert done.returncode == 0, done.stderr
    (post,), (item,) = archive.posts, archive.items()
    body = post.read_text("utf-8")
    for part in ("<h2>小标题</h2>", "<strong>加粗</strong>", "List&lt;Object&gt;", "<td>甲</td>", "<blockquote>",
                 'href="http://docs.example.org/a"', 'src="../images/a.png"', 'src="http://pics.example.org/b.png"',
                 "&#123;&#123; x &#125;&#125;", "邮件", "&lt;select&gt;", "    print("):  # fmt: skip
        assert part in body, part
    lines = str(item["body_text"]).split("\n")
    assert {"小标题", "for (int i = 0; i<n; i++) {", 'print("{{ i }}");', "}", "引文"} <= set(lines)
    assert str(item["published_at"]).startswith("2019-05-01") and post.name.startswith("2019-05-01")
    assert (item["keywords"], item["lead_image"]) == (["java", "笔记"], "/img/cover.png")


def test_a_post_that_would_lose_text_is_kept_as_failed(archive: TemporaryArchive) -> None:
    folder = archive.folder / "posts"
    folder.mkdir()
    body = (
        "<p>方法返回 List<Object> 的时候要当心，它在页面上是一个标签，后面的字都会不见。</p>\n"
        + "<p>后面的正文，会被它吞掉。</p>\n" * 9
    )
    (folder / "泛型.md").write_text(f"---\ntitle: 甲\n---\n{body}", "utf-8")
    (folder / "好.md").write_text(f"---\ntitle: 乙\n---\n{body.replace('<Object>', '&lt;Object&gt;')}", "utf-8")
    for _ in range(2):  # the next run tries again, and says so again
        done = archive.crawl("seeds", "-a", f"path={folder}")
        assert done.returncode == 3
        (line,) = [line for line in done.stderr.splitlines() if "text_lost" in line and "泛型.md" in line]
        assert "% of its" in line and "的时候要当心" in line
    assert archive.query("SELECT title, reason FROM articles WHERE state = 'failed'") == [("甲", "text_lost")]
    assert len(archive.posts) == 1


def test_a_file_that_looks_as_it_did_is_not_read(archive: TemporaryArchive) -> None:
    """Neither is its text looked at nor is it written again; -a recheck=1 reads it all the same."""
    folder = archive.folder / "posts"
    for number in range(3):
        write(folder, f"{number}.md", f"第{number}篇", text(number))
    assert archive.crawl("seeds", "-a", f"path={folder}").returncode == 0
    path, before = folder / "1.md", rows(archive)
    data, status = path.read_bytes(), path.stat()
    path.write_bytes(data.replace("，".encode(), "、".encode()))
    assert path.stat().st_size == status.st_size
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    for words, known, revision in (([], 3, 1), (["-a", "recheck=1"], 2, 2), ([], 3, 2)):
        done = archive.crawl("seeds", "-a", f"path={folder}", *words)
        assert f"{known} known" in done.stdout + done.stderr
        assert rows(archive) == {**before, "第1篇": (*before["第1篇"][:2], revision)}


def test_a_file_with_another_time_is_read_once_and_known_after_that(archive: TemporaryArchive) -> None:
    folder = archive.folder / "posts"
    write(folder, "a.md", "甲", text(0))
    for when in (1_700_000_000, 1_700_000_001):
        os.utime(folder / "a.md", (when, when))
        assert archive.crawl("seeds", "-a", f"path={folder}").returncode == 0
    assert archive.query("SELECT mtime_ns / 1000000000 FROM seed_files") == [(1_700_000_001,)]
    assert rows(archive)["甲"][2] == 1


def test_a_run_ends_as_soon_as_its_last_post_is_stored(archive: TemporaryArchive) -> None:
    """Scrapy looks every five seconds whether items that ``start()`` yielded are through."""
    write(archive.folder / "posts", "a.md", "甲", text(0))
    began = time.monotonic()
    archive.crawl("seeds", "-a", f"path={archive.folder / 'posts'}")
    assert len(archive.ids()) == 1 and time.monotonic() - began < 4

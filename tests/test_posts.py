"""The seed format, read and written."""

from __future__ import annotations

import html
import os
import resource
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from sinanews.exceptions import BadPost
from sinanews.posts import MAX_FILE, MAX_HEADER, Post, read_post, write_post
from sinanews.posts.extras import OBJECT_NAMES

ROOT = Path(__file__).parents[1]
SEEDS = sorted((ROOT / "seeds").glob("*.txt"))
EARLY_POST = ROOT.parent / "shared" / "corpus" / "posts" / "early-2021-video.md"
BEIJING = timezone(timedelta(hours=8))
EXAMPLES = settings(max_examples=int(os.environ.get("SINANEWS_EXAMPLES", 50)), deadline=None)

FORM_2022 = """
---
title: {title}
categories:\x20
 - 金融
 - 新浪财经
 - 新浪财经－国內
headimg: '{image}'
author: 新浪财经
comments: false
date: {date}
thumbnail: '{image}'
---

<div>\x20\x20\x20
{body}\x20\x20
</div>
            """
DEFAULTS = {
    "title": "'标题'",
    "image": "https://n.sinaimg.cn/a.png",
    "date": "Thu, 01 Sep 2022 00:13:52 GMT",
    "body": "<p>正文</p>",
}


def file_2022(**values: str) -> bytes:
    return FORM_2022.format(**{**DEFAULTS, **values}).encode()


def with_header(header: str) -> bytes:
    return f"---\n{header}\n---\nbody\n".encode()


# Byte for byte


@pytest.mark.parametrize("path", SEEDS, ids=lambda path: path.name)
def test_seed_documents_are_written_back_byte_for_byte(path: Path) -> None:
    data = path.read_bytes()
    post = read_post(data)
    assert write_post(post, verbatim=True) == data
    assert post.categories == ["金融", "新浪财经", "新浪财经－国內"]
    assert post.date == datetime(2022, 9, 1, 8, 13, 52, tzinfo=BEIJING)
    assert post.author == "新浪财经" and post.date_as_written is None and post.ignored_keys == []


@pytest.mark.parametrize(
    ("values", "title"),
    [
        ({"title": '"A\'B"'}, "A'B"),
        ({"title": "'\"A\" B'"}, '"A" B'),
        ({"title": "'a: b # c - d'"}, "a: b # c - d"),
        ({"title": "'a &#123;&#123; b &#125;&#125;'"}, "a {{ b }}"),
        ({"title": '"it\'s &#123;% x %&#125;"'}, "it's {% x %}"),
        ({"title": "'1'"}, "1"),
        ({"image": ""}, "标题"),
        ({"date": "2021-03-22 16:13:20"}, "标题"),
        ({"body": ""}, "标题"),
        ({"body": "\n\n<style>a&#123;b:c&#125;</style>\n<!-- x -->\n \n `~\ufffc &amp;#123; \n"}, "标题"),
        ({"body": "\u3000a\u3000\n---\n\ttab\x0b\x0c\u2028"}, "标题"),
    ],
)
def test_variants_of_2022_are_written_back_byte_for_byte(values: dict[str, str], title: str) -> None:
    data = file_2022(**values)
    post = read_post(data)
    assert post.title == title
    assert write_post(post, verbatim=True) == data


def test_a_date_without_a_zone_is_beijing_time() -> None:
    post = read_post(file_2022(date="2021-03-22 16:13:20"))
    assert post.date == datetime(2021, 3, 22, 16, 13, 20, tzinfo=BEIJING)
    assert post.date_as_written == "2021-03-22 16:13:20"
    assert b"\ndate: Mon, 22 Mar 2021 08:13:20 GMT\n" in write_post(post)


# Other variants, other posts


def test_early_2021_form() -> None:
    header = "title: '标题'\ncategories: \n    - 金融\n    - 新浪财经\n\nauthor: 新浪财经\ncomments: false\nthumbnail: 'https://a/b.jpg'"
    post = read_post(f"\n---\n{header}\n---\n\n<div>   \n<p>x</p>  \n</div>\n            ".encode())
    assert (post.categories, post.author) == (["金融", "新浪财经"], "新浪财经")
    assert (post.lead_image, post.body, post.date) == ("https://a/b.jpg", "<p>x</p>", None)


def test_a_real_early_post() -> None:
    if not EARLY_POST.exists():
        pytest.skip("no ../shared/corpus beside the project")
    post = read_post(EARLY_POST.read_bytes())
    assert post.date == datetime(2021, 3, 22, 16, 13, 20, tzinfo=BEIJING)
    assert len(post.categories) == 3 and post.lead_image and "&#123;" not in post.body


@pytest.mark.parametrize(
    ("written", "title"),
    [
        ("''A''", "A"),
        ("'\"'A B'\"'", "A B"),
        ('""A" B\'s "C""', '"A" B\'s "C"'),
        ("'A'B \"C\" D'", 'A\'B "C" D'),
        ("'\"A\" it's'", '"A" it\'s'),
        ('"A "B" C"', 'A "B" C'),
        ("'A\x08B'", "A\x08B"),
        ("A: B", "A: B"),
        ('"A\\B"', "A\\B"),
    ],
)
def test_the_text_of_a_broken_title_is_recovered(written: str, title: str) -> None:
    post = read_post(file_2022(title=written))
    assert post.title == title
    assert post.author == "新浪财经" and len(post.categories) == 3
    assert read_post(write_post(post)).title == title


def test_any_other_hexo_post() -> None:
    header = """title: 000001
date: 2022-09-01
tags: [a, b]
layout: photo
permalink: ../../x
content: replaced
handler: x
extra: {deep: [1, {er: 2}]}
category: c
author: {name: x}
categories:
  - [体育, 篮球]
  - no"""
    post = read_post(with_header(header) + b"\n# Markdown `code`\n\n    indented {{ x }}\n")
    assert (post.title, post.categories) == ("000001", ["体育", "篮球", "no"])
    assert post.date == datetime(2022, 9, 1, tzinfo=BEIJING)
    assert post.body == "body\n\n# Markdown `code`\n\n    indented {{ x }}"
    assert post.author is None and post.extra == {}
    assert (post.keywords, post.cover, post.is_framed) == (["a", "b"], None, False)
    assert post.ignored_keys == ["layout", "permalink", "content", "handler", "extra", "category", "author"]
    assert set(yaml.safe_load(write_post(post).split(b"\n---\n")[1])) == {
        *("title", "categories", "headimg", "author", "comments", "date", "thumbnail")
    }


def test_keys_asked_for_are_handed_over() -> None:
    data = with_header("title: t\nmedia: 新华社\nstocks: [sh600519, '1']\nother: x")
    post = read_post(data, extra=["media", "stocks"])
    assert post.extra == {"media": "新华社", "stocks": ["sh600519", "1"]}
    assert post.ignored_keys == ["other"]


@pytest.mark.parametrize("text", ["no", "000001", "12:30", "2022-09-01", "1e3", "true", "null", "0x1f", "~", "1_000"])
def test_values_keep_their_text(text: str) -> None:
    assert read_post(with_header(f"title: {text}\ncategories: ['{text}']")).title == text
    again = read_post(write_post(Post(text, [text], text)))
    assert (again.title, again.categories, again.author) == (text, [text], text)


@pytest.mark.parametrize(
    ("written", "utc"),
    [
        ("Thu, 01 Sep 2022 00:13:52 GMT", "2022-09-01T00:13:52"),
        ("Thu, 1 Sep 2022 08:13:52 +0800", "2022-09-01T00:13:52"),
        ("2022-09-01T00:13:52Z", "2022-09-01T00:13:52"),
        ("2022-09-01 08:13:52 +08:00", "2022-09-01T00:13:52"),
        ("2022-09-01 08:13:52.000", "2022-09-01T00:13:52"),
        ("2022/9/1 08:13", "2022-09-01T00:13:00"),
        ("'2022-09-01'", "2022-08-31T16:00:00"),
    ],
)
def test_dates(written: str, utc: str) -> None:
    date = read_post(with_header(f"title: t\ndate: {written}")).date
    assert date is not None and date.utcoffset() == timedelta(hours=8)
    assert date == datetime.fromisoformat(utc).replace(tzinfo=timezone.utc)


@pytest.mark.parametrize("prefix", [b"", b"\xef\xbb\xbf", b"\n\n\n", b"  \n"])
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
def test_marks_and_line_ends_lose_no_metadata(prefix: bytes, line_end: bytes) -> None:
    post = read_post(prefix + file_2022().strip().replace(b"\n", line_end))
    assert (post.title, post.body) == ("标题", "<p>正文</p>")


# Refusals


NESTED = "title: t\na: " + "[" * 21 + "]" * 21
BOMBS = {
    "aliases": "title: t\na: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]",
    "billion laughs": "title: &a lol\n" + "\n".join(f"k{n}: &k{n} [{','.join(['*a'] * 9)}]" for n in range(9)),
    "merge": "title: t\n<<: {a: 1}",
    "merge bomb": "a0: &a0 {k: v}\n" + "\n".join(f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}" for n in range(1, 24)),
    "nesting": NESTED,
    "100 KB of brackets": "title: " + "[" * 100_000,
    "60 KB of brackets": "title: " + "[" * 60_000,
    "60 KB of braces": "title: " + "{a: " * 15_000,
    "60 KB of dashes": "title:\n  " + "- " * 30_000,
    "60 KB of question marks": "? " * 30_000,
    "many keys": "\n".join(f"k{n}:" for n in range(9_000)),
}
REFUSED = {
    b"": "no front matter",
    b"just text": "no front matter",
    b"---\ntitle: t\n": "not closed",
    b"---\ntitle: t\n" + b"x" * 70_000 + b"\n---\n": "not closed within 65536 bytes",
    b"---\ntitle: " + "长".encode() * 22_000 + b"\n---\n": "over 65536 bytes",
    b"x" * (MAX_FILE + 1): "the file is over",
    "---\ntitle: 标题\n---\n".encode("gbk"): "not UTF-8 at byte 11",
    with_header("title: a\0b"): "NUL",
    with_header("- a\n- b"): "not a mapping",
    with_header("text"): "not a mapping",
    with_header(""): "not a mapping",
    with_header("date: 2022-09-01"): "no title",
    with_header("title: ''"): "no title",
    with_header("title: [a]"): "title is not a text",
    with_header("title: a\ntitle: b"): "the key 'title' twice",
    with_header("title: a\ntags: {x: 1, x: 2}"): "the key 'x' twice",
    with_header("title: a\ncategories: {x: 1}"): "categories",
    with_header("title: a\n? [b]\n: c"): "key that is not a text",
    with_header("title: a\ndate: 2022-13-45"): "not a date: '2022-13-45'",
    with_header("title: a\ndate: 2022-09-01 25:00:00"): "not a date",
    with_header("title: a\ndate: yesterday"): "not a date: 'yesterday'",
    with_header("title: a\ndate: 9999-12-31T23:59:59Z"): "not a date",
    with_header("title: a\ndate: 2022-09-01 00:00:00 +99:99"): "not a date",
    with_header("title: a\ndate: [1]"): "date is not a text",
    with_header("title: a\nb: [c"): "not YAML",
    with_header("title: !!python/object/apply:os.system ['id']"): "YAML tag",
    with_header("title: !!python/name:os.system x"): "YAML tag",
    with_header("title: !!js/function 'x'"): "YAML tag",
    with_header("title: *a"): "alias",
    with_header("title: &a b"): "anchor",
    with_header("title: a\n...\nb: c"): "YAML",
    with_header(NESTED): "deeper than 20",
}


@pytest.mark.parametrize(("data", "reason"), REFUSED.items(), ids=lambda each: repr(each[:40]))
def test_what_cannot_be_read_is_refused_in_one_line(data: bytes, reason: str) -> None:
    with pytest.raises(BadPost, match=reason) as caught:
        read_post(data)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 200


def test_a_header_of_just_the_limit_is_read() -> None:
    assert len(read_post(b"---\n" + b"title: " + b"x" * (MAX_HEADER - 9) + b"\n---\n").title) == MAX_HEADER - 9


def refuse_bombs() -> None:
    """Run in a process of its own, in 512 MB."""
    resource.setrlimit(resource.RLIMIT_AS, (512 * 2**20, 512 * 2**20))
    for name, bomb in BOMBS.items():
        start = time.monotonic()
        with pytest.raises(BadPost):
            read_post(with_header(bomb))
        assert time.monotonic() - start < 1, name
    start = time.monotonic()
    assert len(read_post(with_header("title: " + "'\" " * 20_000)).title) > 59_990  # just a broken title
    assert time.monotonic() - start < 1


def test_bombs_are_refused_at_once_and_in_little_memory() -> None:
    command = [sys.executable, "-c", "from tests.test_posts import refuse_bombs; refuse_bombs()"]
    subprocess.run(command, cwd=ROOT, check=True, timeout=30)


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: with_header("title: " + text)))
@EXAMPLES
def test_any_bytes_are_a_post_or_a_refusal(data: bytes) -> None:
    try:
        assert read_post(data).title.strip()
    except BadPost as refusal:
        assert "\n" not in str(refusal)


# Write, then read


SIGNS = ["'", '"', "\\", "{{", "%}", "{", "}", "&#123;", "&#125;", "&amp;", ": ", " #", "\n", "- ", "字", "a", "."]
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60) | st.lists(st.sampled_from(SIGNS)).map("".join)
WORDS = TEXT.filter(lambda text: bool(text.strip()))
DATES = st.datetimes(datetime(1000, 1, 2), datetime(9999, 12, 30), timezones=st.just(BEIJING))


POSTS = st.builds(
    Post,
    title=WORDS,
    categories=st.lists(WORDS.filter(lambda name: name not in OBJECT_NAMES), max_size=4),
    author=WORDS | st.none(),
    date=DATES.map(lambda date: date.replace(microsecond=0)) | st.none(),
    lead_image=WORDS | st.none(),
    body=TEXT.map(html.escape),
)


@given(POSTS, st.booleans())
@EXAMPLES
def test_write_then_read_is_the_identity(post: Post, verbatim: bool) -> None:
    # What clean mode changes in a body is another test's.
    body = post.body.translate(dict.fromkeys(map(ord, "\r\0`~\ufffc")))
    post.body = "\n".join(line for line in body.split("\n") if line.strip())
    data = write_post(post, verbatim=verbatim)
    assert read_post(data) == post
    assert b"{" not in data and b"}" not in data


#: Not texts to one YAML reader or the other where they stand without quotes.
NOT_TEXTS = (
    "Null null NULL ~ no No yes YES on Off true y N = << 2022-09-01 2001-12-14t21:59:43.10-05:00 12:30 1:2:3 0x1F 0b11 "
    "0o17 017 1e3 1E-3 +1 -1 1. .5 1.5e+3 1_000 .inf -.inf .NaN - ? : * & ! %"
).split()


@pytest.mark.parametrize("verbatim", [True, False])
@pytest.mark.parametrize("text", NOT_TEXTS)
def test_what_yaml_would_take_for_something_else_stays_a_text(text: str, verbatim: bool) -> None:
    data = write_post(Post(text, [text, f"{text} x"], text), verbatim=verbatim)
    header, post = yaml.safe_load(data.split(b"\n---\n")[1]), read_post(data)
    assert (header["title"], header["categories"], header["author"]) == (text, [text, f"{text} x"], text)
    assert (post.title, post.categories, post.author) == (text, [text, f"{text} x"], text)


@pytest.mark.parametrize(
    "text", ["36氪", "24小时", "FT中文网 - 专栏", "9to5Mac", "2022年", "新浪财经－A股：要闻", "AC/DC"]
)
def test_what_the_predecessor_wrote_without_quotes_has_none_in_verbatim(text: str) -> None:
    assert f"\n - {text}\n".encode() in write_post(Post("t", [text]), verbatim=True)


@given(WORDS, st.lists(WORDS, max_size=3), DATES, st.booleans())
@EXAMPLES
def test_extra_keys_are_read_back_as_the_same_strings(text: str, texts: list[str], date: datetime, flag: bool) -> None:
    extra = {"media": text, "stocks": texts, "updated_at": date, "editor": None, "flag": flag}
    data = write_post(Post("t"), extra=extra)
    header = yaml.safe_load(data.split(b"\n---\n")[1])
    assert list(header)[-6:] == ["thumbnail", *extra]
    assert [header[key] for key in extra] == [text, texts, date.isoformat(), "", flag]
    post = read_post(data, extra=extra)
    assert (post.extra["media"], post.extra["stocks"]) == (text, texts)


@given(TEXT, TEXT)
@EXAMPLES
def test_clean_mode_leaves_hexo_nothing_to_interpret(text: str, blank: str) -> None:
    body = f'<p>{html.escape(text)}</p>\n \n\t\n<p title="<!-- more -->{html.escape(blank)}">`~\ufffc</p>\n\n'
    written = read_post(write_post(Post("t", body=body))).body
    assert not any(char in written for char in "`~\ufffc\r") and "<!--" not in written
    assert all(line.strip() for line in written.split("\n"))
    assert "".join(html.unescape(written).split()) == "".join(html.unescape(body.replace("\0", "\ufffd")).split())


def test_lines_of_preformatted_text_are_kept() -> None:
    written = read_post(write_post(Post("t", body="<pre>a\n\n \nb</pre>"))).body
    assert html.unescape(written) == "<pre>a\n\n \nb</pre>" and "\n\n" not in written


@pytest.mark.parametrize("part", ["<pre", "<pre>\n\n", '<a "', "<a ", "\n ", "&#123;", '<a title="<'])
def test_writing_takes_time_in_proportion_to_the_body(part: str) -> None:
    start = time.monotonic()
    write_post(Post("t", body=part * (2 * 2**20 // len(part))))
    assert time.monotonic() - start < 5


def test_how_titles_are_quoted() -> None:
    def line(title: str) -> bytes:
        return write_post(Post(title)).split(b"\n")[2]

    assert line('plain "x"') == b"title: 'plain \"x\"'"
    assert line("it's") == b'title: "it\'s"'
    assert line('it\'s "x"') == b'title: "it\'s \\"x\\""'
    assert line("{{ x }}") == b'title: "\\x7B\\x7B x \\x7D\\x7D"'
    assert line("a\nb\u2028") == b'title: "a\\x0Ab\\u2028"'
    assert line("\ud800") == "title: '\ufffd'".encode()
    assert line("长" * 5_000) == f"title: '{'长' * 5_000}'".encode()


def test_no_value_can_add_a_key() -> None:
    hostile = "x\npermalink: ../../x\n---\n<script>"
    data = write_post(Post(hostile, [hostile], hostile, lead_image=hostile, date_as_written=hostile), verbatim=True)
    assert set(yaml.safe_load(data.split(b"\n---\n")[1])) == {
        *("title", "categories", "headimg", "author", "comments", "date", "thumbnail")
    }


@pytest.mark.parametrize("key", ["title", "comments", "__proto__", "_id", "a: b", "a\nb", "", "A", "1"])
def test_keys_that_cannot_be_added(key: str) -> None:
    with pytest.raises(ValueError, match="cannot be a key"):
        write_post(Post("t"), extra={key: "x"})


def test_a_datetime_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        write_post(Post("t", date=datetime(2022, 9, 1)))
    with pytest.raises(ValueError, match="zone"):
        write_post(Post("t"), extra={"updated_at": datetime(2022, 9, 1)})

"""Hostile posts, built by a real Hexo: every page there, every text the same, nothing run."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from bs4 import BeautifulSoup

from sinanews.posts import Post, write_post
from sinanews.posts.extras import OBJECT_NAMES
from tests import hexo
from tests.test_posts import NOT_TEXTS

TITLES = [
    "普通标题",
    "It's",
    'He said "no"',
    """both 'a' and "b" \\ c""",
    "a: b # c",
    "- list",
    "{{ 7*7 }}",
    "{% raw %}",
    "{{ process.exit(1) }} 'x'",
    "{# comment #}",
    "&#123;literal&#125;",
    "line\nbreak\ttab\r\nend",
    "😀🇨🇳 emoji",
    "a\x01b\x7fc\x85d",
    "u\u2028v\u2029w\ufeffx\uffffy",
    "lone \ud800 surrogate",
    "长" * 300,
    "word " * 999 + "end.",
    *("no", "1", "000001", "12:30", "2022-09-01", "~", "null", "true", "1e3", "0x1f"),
    *("!!js/function 'x'", "*a", "&a b"),
    *("---", ";;;", "%TAG", "@x", "`tick`", "? key", "[x](javascript:alert(1))", "<b>bold</b>", " outer space "),
    "<script>alert(1)</script>",
    "__proto__: x",
    "a\npermalink: ../../x",
]

TEXTS = [
    "plain text",
    "{{ 7*7 }} and {% raw %} and {# gone? #}",
    "{% foo %}",
    "{{ process.mainModule.require('child_process').execSync('id') }}",
    "\n```js\nalert(1)\n```\n",
    "\n~~~\ncode\n~~~\n",
    "``` {{ 1 }}",
    "[x](javascript:alert(1))",
    "\n\n    indented code\n\n",
    "<!--swig\ufffc0--> \ufffc and <!--code\ufffc0-->",
    "before <!-- more --> after",
    "---\ntitle: x\n---",
    "# heading\n\n* item\n\n> quote\n\n1. one",
    'http://example.com/ **bold** _em_ -- "quotes" ... (c)',
    "<hexoPostRenderCodeBlock>x</hexoPostRenderCodeBlock>",
    "<escape>x</escape> &#123;&#123; 1 &#125;&#125; &lt;b&gt;",
    "| a | b |\n|---|---|\n| 1 | 2 |\n\nafter",
    "text $& $1 $` $'",
    "a\rb\u2028c\u3000d",
    "<script>alert(1)</script>",
]


def visible(text: str) -> str:
    return " ".join(text.split())


def page_parts(page: Path) -> tuple[str, str]:
    text = page.read_text("utf-8")
    title = re.search(r"<title>(.*?)</title>", text, re.DOTALL)
    body = re.search(r"<main>(.*)</main>", text, re.DOTALL)
    assert title and body, page
    return html.unescape(title[1]), body[1]


def text_of(markup: str) -> str:
    """What another parser than ours sees."""
    return visible(BeautifulSoup(markup, "html.parser").get_text(" "))


@pytest.fixture(scope="module")
def with_hexo() -> None:
    try:
        hexo.install()
    except hexo.HexoUnavailable as reason:
        pytest.skip(f"no Hexo: {reason}")


@pytest.fixture(scope="module")
def build(with_hexo: None, tmp_path_factory: pytest.TempPathFactory) -> Callable[[list[Post]], list[tuple[str, str]]]:
    """Builds posts; gives (title, markup of the body) of each page, as many as posts."""

    def run(posts: list[Post]) -> list[tuple[str, str]]:
        base = tmp_path_factory.mktemp("hexo")
        (base / "posts").mkdir()
        for number, post in enumerate(posts):
            (base / "posts" / f"post-{number:03}.md").write_bytes(write_post(post))
        pages = sorted(hexo.build_site(base / "posts", base / "site").glob("*/index.html"))
        assert len(pages) == len(posts)
        return [page_parts(page) for page in pages]

    return run


def post(title: str, body: str = "<p>text</p>", **values: Any) -> Post:
    date = datetime.fromisoformat("2022-09-01T08:13:52+08:00")
    return Post(title, ["金融", "新浪财经"], "新浪财经", date, body=body, **values)


def test_hostile_posts_come_out_as_the_same_text(build: Callable[[list[Post]], list[tuple[str, str]]]) -> None:
    titled = [post(title) for title in TITLES]
    bodies = [f"<p>one</p>\n<p>{html.escape(text)}</p>\n<p>end</p>" for text in TEXTS]
    bodies.append('<p><a title="<!-- more --><img src=x onerror=alert(1)>" href="https://a.b/">link</a></p>')
    bodies.append("<pre>a\n\n    b\n  \nc</pre>\n<p>{% foo %}</p>")
    pages = build(titled + [post("t", body) for body in bodies])

    written = [title.replace("\ud800", "\ufffd") for title in TITLES]
    assert [visible(title) for title, _ in pages[: len(TITLES)]] == [visible(title) for title in written]
    texts = [text_of(markup) for _, markup in pages[len(TITLES) :]]
    assert texts[: len(TEXTS)] == [visible(f"one {text} end") for text in TEXTS]
    assert all("<script" not in markup and 'href="javascript' not in markup for _, markup in pages)

    with_attribute, with_pre = (markup for _, markup in pages[-2:])
    assert "<img" not in with_attribute and "&lt;!-- more --" in with_attribute
    assert html.unescape(with_pre).count("\n\n    b\n  \nc") == 1


def test_categories_named_like_what_javascript_objects_have(
    build: Callable[[list[Post]], list[tuple[str, str]]],
) -> None:
    names = [*sorted(OBJECT_NAMES), "length", "prototype", "__count__", "null", "true", "12:30"]
    posts = [Post(name, [name, "金融"], name, post("t").date, body=f"<p>{name}</p>") for name in names]
    assert [(title, text_of(markup)) for title, markup in build(posts)] == [(name, name) for name in names]


@pytest.mark.parametrize("verbatim", [True, False])
def test_js_yaml_and_pyyaml_read_every_header_alike(with_hexo: None, verbatim: bool) -> None:
    titles = [*(title for title in TITLES if not verbatim or not set("{}&") & set(title)), *NOT_TEXTS]
    posts = [post(title, lead_image=title) for title in titles]
    for each in posts:
        each.author, each.categories = each.title, [each.title, "金融"]
    files = [
        write_post(each, verbatim=verbatim, extra={"media": each.title, "keywords": [each.title]}).decode()
        for each in posts
    ]
    headers = [text.split("\n---\n")[1] for text in files]
    expected = [title.replace("\ud800", "\ufffd") for title in titles]
    for parsed in (hexo.read_with_js_yaml(headers), [yaml.safe_load(header) for header in headers]):
        assert [each["title"] for each in parsed] == expected
        assert [each["author"] for each in parsed] == expected
        assert [each["categories"] for each in parsed] == [[title, "金融"] for title in expected]
        assert [each["thumbnail"] for each in parsed] == expected
        assert [each["media"] for each in parsed] == expected
        assert [each["keywords"] for each in parsed] == [[title] for title in expected]
        assert all(each["comments"] is False and len(each) == 9 for each in parsed)
        assert {each["date"] for each in parsed} == {"Thu, 01 Sep 2022 00:13:52 GMT"}

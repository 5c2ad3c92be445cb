"""Posts in Markdown: what is Markdown, how it is rendered, and that no word of it is lost."""

from __future__ import annotations

import time

import pytest

from sinanews.cleaning import clean_body
from sinanews.exceptions import PageTooLarge
from sinanews.posts.losses import loss, visible_source, visible_text
from sinanews.posts.markdown import is_html, render, to_html
from sinanews.posts.reading import read_post
from tests.conftest import SHARED


@pytest.mark.parametrize(
    ("body", "html"),
    [
        ("<p>一段</p>\n<p>二段</p>", True),
        ("<!-- 注 -->\n<div><b>一</b></div>", True),
        ("<p>码：</p><pre>\n# 注释\n- x\n</pre>", True),
        ("<div>一</div>\n\n## 标题", False),
        ("<center>图</center>\n\n见[文档](https://a.example/b)。", False),
        ("纯文字", False),
        ("## 标题", False),
        ("<b>行内</b>开头的一段", False),
    ],
)
def test_what_is_html(body: str, html: bool) -> None:
    assert is_html(body) is html
    assert (to_html(body, framed=False) == body) is html
    assert to_html(body, framed=True) == body


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("返回 List<Object> 与 Map<String, List<T>> 吧", "返回 List<Object> 与 Map<String, List<T>> 吧"),
        ("用 <select> 和 <textarea> 和 <script> 标签", "用 <select> 和 <textarea> 和 <script> 标签"),
        ("<script> 标签在行首\n\n后文", "<script> 标签在行首\n后文"),
        ("<!-- 没有结束的注释\n\n后文", "<!-- 没有结束的注释\n后文"),
        ("<object> 开头", "<object> 开头"),
        ("若 i<n 且 a>b", "若 i<n 且 a>b"),
        ("`i<n` 与 ``a`b``", "i<n 与 a`b"),
        ("一行\n二行", "一行\n二行"),
        ("前<!-- more -->后", "前后"),
        ("~~删~~ **粗** *斜*", "删 粗 斜"),
        ("- [x] 做完\n- [ ] 未做", "[x] 做完\n[ ] 未做"),
        ("$a_1 + b_2$ 与 :smile:", "$a_1 + b_2$ 与 :smile:"),
        ("注[^1]\n\n[^1]: 脚注文", "注[^1]\n[^1]: 脚注文"),
        ("<details><summary>摘要</summary>\n\n内容\n\n</details>", "摘要\n内容"),
        ("按 <kbd>Ctrl</kbd>", "按 Ctrl"),
        ("{% raw %}{{ x }}{% endraw %}", "{{ x }}"),
        ("{% note info 提示 %}\n内容\n{% endnote %}", "info 提示\n内容"),
        ("{% post_link some-slug 前一篇 %}", "前一篇"),
        ("{% unknown a b %} 后", "{% unknown a b %} 后"),
        ("`{% raw %}` 是标签", "{% raw %} 是标签"),
        ("```\n{% raw %}\n```", "{% raw %}"),
        ("{% codeblock lang:js %}\na\n\n  b {{ c }}\n{% endcodeblock %}", "a\nb {{ c }}"),
        ("~~~py\n```\nx\n~~~", "```\nx"),
        ("    缩进的码\n    第二行", "缩进的码\n第二行"),
        ("> 引\n> > 再引", "引\n再引"),
        ("a &#123; `&#123;`", "a { &#123;"),
        ("<https://a.example/x>", "https://a.example/x"),
        ("<video src=a.mp4></video>\n\n文", "文"),
        ('<iframe src="https://a.example"></iframe>\n\n文', "文"),
    ],
)
def test_words_that_are_left(source: str, words: str) -> None:
    shown = clean_body(render(source)).text
    assert "".join(shown.split()) == "".join(words.split())
    assert loss(visible_source(source), shown) is None


def test_structure_is_left() -> None:
    source = (
        "标题\n===\n\n1. 一\n   - 二\n\n     ```c\n     if (x) {\n\n       y();\n     }\n     ```\n\n| a | b |\n|:-:|---|\n| 1 | 2 |\n\n---\n\n"
        "![图][p]\n\n[p]: http://pics.example.org/a.png\n\n{% asset_img b.png 说明 %}\n"
    )
    clean = clean_body(render(source))
    for tag in ("<h1>", "<ol>", "<ul>", "<pre><code>", "<th>", "<td>", "<hr>"):
        assert tag in clean.html, tag
    assert clean.images == ["http://pics.example.org/a.png", "b.png"]
    assert "if (x) {<br><br>  y();" in clean.html


BOMBS = {
    "brackets": "[" * 100_000,
    "pictures": "![" * 100_000,
    "links": "[a](" * 40_000,
    "stars": "***a" * 40_000,
    "underscores": "_a" * 90_000,
    "tildes": "~~a" * 60_000,
    "backticks": "".join("`" * n + " " for n in range(1, 600)),
    "quotes": "> " * 10_000 + "x",
    "quotes, closed up": ">" * 10_000 + "x",
    "lists": "- " * 10_000 + "x",
    "tags": "<a " * 60_000,
    "entities": "&" * 190_000,
    "hexo": "{% a " * 60_000,
    "comments": "<!--" * 40_000,
    "references": "[a]: b\n" * 8_000,
    "paragraphs of brackets": ("[" * 5_000 + "\n\n") * 19,
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS.keys())
def test_a_bomb_is_rendered_or_refused_soon(bomb: str) -> None:
    start = time.process_time()
    try:
        markup = render(bomb)
        loss(visible_source(bomb), visible_text(markup))
    except PageTooLarge:
        pass
    assert time.process_time() - start < 10


def test_too_large_is_refused() -> None:
    for text in ("x" * (2 * 2**20 + 1), "*a " * 200_001, "[" * 10_001):
        with pytest.raises(PageTooLarge):
            render(text)


@pytest.mark.parametrize(("lost", "told"), [(0, False), (4, False), (9, False), (11, True)])
def test_a_twentieth_is_too_much(lost: int, told: bool) -> None:
    words = [f"w{n}" for n in range(200)]
    assert (loss(" ".join(words), " ".join(words[lost:])) is not None) is told
    assert loss("短 的 文", "短") is None


def test_known_boxes_and_lines_are_no_loss() -> None:
    body = (
        '<p>正文一段，够长。</p><div class="appendQr_wrap">扫码关注好多好多字</div><style>p{color:red}</style>'
        "<p>责任编辑：某某某某某 SF1234</p><p>海量资讯、精准解读，尽在新浪财经APP</p>"
    )
    assert loss(visible_text(body), clean_body(body).text) is None
    assert "扫码" not in visible_text(body) and "color" not in visible_text(body)
    assert "吞掉" in visible_text("<p>List<Object> 吞掉</p>")


def test_real_posts_of_the_predecessor_lose_nothing_by_this_measure() -> None:
    folder = SHARED / "corpus" / "posts"
    if not folder.is_dir():
        pytest.skip("no ../shared/corpus beside the project")
    for path in folder.glob("*.md"):
        post = read_post(path.read_bytes())
        assert post.is_framed
        clean = clean_body(post.body)
        assert loss(visible_text(post.body), "\n".join([clean.text, clean.editor or ""])) is None, path.name


def test_a_long_comment_is_no_loss() -> None:
    """A licence or another tool's notes in front of a short text; one that is not closed is the author's."""
    licence = "\n".join(f"line {number} of a licence that nobody is shown" for number in range(60))
    source = f"<!--\n{licence}\n-->\n\n# Title\n\nA short text about the tool."
    assert loss(visible_source(source), visible_text(render(source))) is None
    assert "nobody" in visible_source(f"Text <!-- {licence}")

"""Every word of real bodies, as another parser sees them, is in the cleaned text and in its order, but for a stated list."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from bs4.element import Comment, NavigableString, Tag

from sinanews.cleaning import clean_body
from sinanews.pages import read_page
from tests.conftest import PROJECT, SHARED

CORPUS = SHARED / "corpus"
#: Boxes of Sina's templates: nothing in them is the article's.
BOXES = (
    "[class*=player], [class*=Player], .appendQr_wrap, .article-editor, .show_author, .art_video, .video_box, .videoPlayer, "
    ".ct_hqimg, .article-notice, .tech-quotation, .fin_reference, .weibo_info, [class*=comment], [id^=quote_], "
    "[id*=videoList], .ad, .otherContent_01, table[align=left]"
)
#: Lines that may go: fields of the article have what the first two say.
MAY_GO = re.compile(
    r"(?:原标题|责任编辑)[：:“].*|海量资讯、精准解读，尽在新浪财经APP|免责声明：自媒体综合提供的内容.*|相关新闻：|转发此文至微博.*|<c\.gif>"
)


def raw_bodies() -> Iterator[tuple[str, str, str | None]]:
    """Name, raw body and URL of everything at hand; at least our own seed."""
    posts = [*sorted((CORPUS / "posts").glob("*.md")), PROJECT / "seeds" / "000_c05529d807c41e48.txt"]
    for path in posts:
        yield (
            path.stem,
            path.read_text("utf-8").split("---\n", 2)[2].replace("&#123;", "{").replace("&#125;", "}"),
            None,
        )
    listing = CORPUS / "listing.json"
    for row in json.loads(listing.read_text("utf-8")) if listing.is_file() else []:
        item = read_page((CORPUS / row["file"]).read_bytes(), row["url"]).item
        yield Path(row["file"]).stem, item.body_html, item.url


def squeeze(text: str) -> str:
    return re.sub(r"[\s\u200b\ufeff]+", "", text)


def after_the_end(soup: BeautifulSoup) -> Iterator[Tag]:
    """What pages of 2009-13 have behind the mark of the text's end, centred pictures excepted."""
    for mark in soup.find_all(string=lambda text: isinstance(text, Comment) and "publish_helper_end" in text):
        yield from (element for element in mark.find_next_siblings() if element.name != "center")


def related(soup: BeautifulSoup) -> Iterator[Tag]:
    """The paragraphs under 相关新闻： that are no more than a link."""
    for heading in [element for element in soup.find_all("p") if squeeze(element.text) == "相关新闻："]:
        below = heading.find_next_siblings("p")
        yield from takewhile(lambda p: squeeze(p.text) == "".join(squeeze(a.text) for a in p.find_all("a")), below)


def shown(markup: str) -> list[str]:
    """The texts a reader sees, white space left out, and the pictures' names, without what may go."""
    soup = BeautifulSoup(markup, "html.parser")
    for element in soup.select(f"script, style, iframe, noscript, {BOXES}"):
        element.decompose()
    for element in [*after_the_end(soup), *related(soup)]:
        element.decompose()
    for image in soup.find_all("img"):
        image.replace_with(f" <{str(image.get('src')).rpartition('/')[2]}> ")
    texts = [squeeze(text) for text in soup.find_all(string=True) if type(text) is NavigableString]
    return [text for text in texts if text and not MAY_GO.fullmatch(text)]


def lost(markup: str, url: str | None) -> list[str]:
    """What is not in the clean body, or not behind what stands before it."""
    clean, at, missing = "".join(shown(clean_body(markup, url).html)), 0, []
    for text in shown(markup):
        found = clean.find(text, at)
        if found < 0:
            missing.append(text)
        else:
            at = found + len(text)
    return missing


BODIES = list(raw_bodies())


@pytest.mark.parametrize(("markup", "url"), [body[1:] for body in BODIES], ids=[body[0] for body in BODIES])
def test_no_word_of_a_real_body_is_lost_or_moved(markup: str, url: str | None) -> None:
    assert lost(markup, url) == []


def test_the_comparison_sees_what_is_lost_or_moved() -> None:
    assert lost("<p>甲乙</p><p>责任编辑：某某</p><script>x()</script>", None) == []
    assert lost("<p>甲乙</p><p>自动播放</p>", None) == ["自动播放"]
    assert lost("<center>甲乙<img src=//a.cn/b.png>丙丁</center>", None) == []
    assert lost("<p><img src=//a.cn/space.gif></p>", None) == ["<space.gif>"]


def test_the_real_bodies_are_here() -> None:
    if not CORPUS.is_dir():
        pytest.skip("no ../shared/corpus beside the project: only our own seed was compared")
    assert len(BODIES) > 20

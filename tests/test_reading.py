"""An article that is read page by page: what is asked for, what is missing, and what the item is in the end."""

from __future__ import annotations

from datetime import datetime

from sinanews.archive.reading import MOST_PAGES, Reading
from sinanews.dates import BEIJING
from sinanews.items import ArticleItem, Fetch
from sinanews.listing.channels import channel_by_slug
from sinanews.listing.roll import Listing
from sinanews.pages import Page

NOW = datetime(2026, 11, 20, 10, tzinfo=BEIJING)
URL = "https://finance.sina.com.cn/china/2026-11-20/doc-imxabcde0000001.shtml"
ROW = Listing("imxabcde0000001", URL, "表上的标题", NOW, media="表上的媒体", keywords=("港口",))


def numbered(number: int) -> str:
    return URL.replace(".shtml", f"_{number}.shtml")


def page(body: str, *more: int, **shown: str) -> Page:
    item = ArticleItem(id="shown", url=URL, title=shown.pop("title", ""), body_html=body, **shown)  # type: ignore[arg-type]
    return Page(item, next_pages=[numbered(number) for number in more])


def reading(first: Page) -> Reading:
    return Reading(ROW, channel_by_slug("china"), Fetch(ROW.key), NOW, [first])


def test_each_page_that_is_named_is_asked_for_once_and_in_order() -> None:
    article = reading(page("一", 2, 3))
    assert article.next_page() == numbered(2)
    article.add(page("二", 3), numbered(2))
    assert article.next_page() == numbered(3)
    article.add(page("三", 2, 4), numbered(3))
    assert article.next_page() == numbered(4)
    article.misses(numbered(4), "HTTP status 500")
    assert article.next_page() is None
    item = article.finished()
    assert item.body_html == "一\n二\n三"
    assert item.incomplete and item.fetch is not None and item.fetch.missing_pages == {numbered(4)}


def test_the_first_page_in_place_of_another_is_a_missing_page() -> None:
    article = reading(page("一", 2))
    article.add(page("一"), numbered(2))
    assert article.missing == [numbered(2)]
    assert article.finished().body_html == "一"


def test_pages_without_end_are_cut_off_and_the_article_is_incomplete() -> None:
    article, number = reading(page("0", 2)), 2
    while (url := article.next_page()) is not None:
        number += 1
        article.add(page(str(number), number), url)
    assert len(article.pages) == MOST_PAGES
    assert article.missing == [numbered(number)]
    assert article.finished().incomplete


def test_what_the_page_shows_wins_over_the_list() -> None:
    item = reading(page("一", title="页面的标题")).finished()
    assert (item.id, item.title, item.media, item.keywords) == ("imxabcde0000001", "页面的标题", "表上的媒体", ["港口"])
    assert item.channel == "china" and item.categories[-1] == "新浪财经－国內"
    assert not item.incomplete and item.published_at == item.fetched_at == NOW

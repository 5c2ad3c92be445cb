"""Sina's URLs: one spelling, the id, whose host, why not readable."""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sinanews.urls import absolute_url, article_id, canonical_url, id_from_docid, is_sina_host, why_not_readable

EXAMPLES = settings(max_examples=int(os.environ.get("SINANEWS_EXAMPLES", 50)), deadline=None)
DOC = "https://finance.sina.com.cn/china/2022-09-01/doc-imizmscv8626000.shtml"


@pytest.mark.parametrize(
    "url",
    [
        "http://finance.sina.com.cn/china/2022-09-01/doc-imizmscv8626000.shtml",
        "https://Finance.Sina.com.cn:443/china/2022-09-01/doc-imizmscv8626000.shtml?from=wap&utm_source=x#top",
        " //finance.sina.com.cn/china/2022-09-01/doc-imizmscv8626000.shtml ",
        "https://u:p@finance.sina.com.cn/china/2022-09-01/doc-imizmscv8626000.shtml",
        "http%3A%2F%2Ffinance.sina.com.cn%2Fchina%2F2022-09-01%2Fdoc-imizmscv8626000.shtml%3Fcre%3Dtianyi",
        "https://cj.sina.cn/article/norm_detail?url=https%3A%2F%2Ffinance.sina.com.cn%2Fchina%2F2022-09-01%2Fdoc-imizmscv8626000.shtml&from=x",
    ],
)
def test_one_article_has_one_spelling(url: str) -> None:
    assert canonical_url(url) == DOC


def test_queries_that_name_a_page_stay() -> None:
    assert (
        canonical_url("http://stock.sina.com.cn/show?id=7&from=wap&page=2")
        == "https://stock.sina.com.cn/show?id=7&page=2"
    )
    assert canonical_url("http://finance.sina.com.cn") == "https://finance.sina.com.cn/"
    assert canonical_url("http://127.0.0.1:8900/x") == "https://127.0.0.1:8900/x"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "doc-i1.shtml",
        "ftp://sina.com.cn/a",
        "javascript:x()",
        "http://",
        "http://[",
        "http://a b.cn/",
        "http://a.cn:x/",
    ],
)
def test_what_is_no_url_is_an_error(url: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        canonical_url(url)
    assert article_id(url) is None
    assert why_not_readable(url) == "not_a_url"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (DOC, "imizmscv8626000"),
        ("https://news.sina.com.cn/c/2018-09-28/doc-ifxeuwwr9250746.shtml", "ifxeuwwr9250746"),
        ("https://finance.sina.cn/usstock/mggd/2019-09-09/detail-iicezzrq4681677.d.html?from=wap", "iicezzrq4681677"),
        ("http://t.cj.sina.com.cn/articles/view/6479293414/182322be600100i6z0?cre=x", "6479293414-182322be600100i6z0"),
        ("https://cj.sina.com.cn/articles/view/6479293414/182322be600100i6z0", "6479293414-182322be600100i6z0"),
        ("http://k.sina.com.cn/article_3057540037_b63e5bc502000bg5u.html", None),
        ("http://finance.sina.com.cn/s/2005-03-21/244339.shtml", "finance-20050321-244339"),
        ("http://finance.sina.com.cn/chanjing/b/20050321/10131445875.shtml", "finance-20050321-10131445875"),
        ("http://bj.house.sina.com.cn/p/2005-03-31/031868306.html", "bj-house-20050331-031868306"),
        ("http://tech.sina.com.cn/s/2011-05-05/10111234567_2.shtml", "tech-20110505-10111234567"),
        ("http://slide.finance.sina.com.cn/chanjing/slide_9_18983_66789.html#p=2", "slide-9-18983-66789"),
        ("http://video.sina.com.cn/p/news/2019-11-25/detail-iihnzhfz1626850.d.html", "iihnzhfz1626850"),
        ("http://video.sina.com.cn/view/383188093.html", "video-383188093"),
        ("http://book.sina.com.cn/longbook/1097552562_x/12.shtml", None),
    ],
)
def test_the_id_that_a_url_shows(url: str, expected: str | None) -> None:
    assert article_id(url) == expected
    assert why_not_readable(url) is None


def test_an_id_from_a_lists_docid() -> None:
    assert id_from_docid("comos:mizmscv8626000") == id_from_docid("comos-mizmscv8626000") == "imizmscv8626000"


@pytest.mark.parametrize("host", ["sina.com.cn", "finance.sina.com.cn", "SINA.CN", "k.sina.cn", "finance.sina.com.cn."])
def test_sinas_hosts(host: str) -> None:
    assert is_sina_host(host)


@pytest.mark.parametrize("host", ["evilsina.com.cn", "sina.com.cn.evil.example", "sina.com", "", "xsina.cn", "com.cn"])
def test_other_peoples_hosts(host: str) -> None:
    assert not is_sina_host(host)
    assert is_sina_host("a." + (host or "b"), extra=[host or "b"])


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://www.example.com/doc-imizmscv8626000.shtml", "other_host"),
        ("https://finance.sina.com.cn@evil.example/doc-imizmscv8626000.shtml", "other_host"),
        ("http://blog.sina.com.cn/s/blog_4cf8aad30102x1.html", "blog"),
        ("http://finance.sina.com.cn/", "not_an_article"),
        ("http://finance.sina.com.cn/zt_d/apple2019/", "not_an_article"),
        ("http://finance.sina.com.cn/stock/index.shtml", "not_an_article"),
        ("http://vip.stock.finance.sina.com.cn/q/view.php?x=1", "data"),
    ],
)
def test_why_a_row_cannot_be_read(url: str, reason: str) -> None:
    assert why_not_readable(url) == reason


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("//n.sinaimg.cn/a/b-c.jpg", "https://n.sinaimg.cn/a/b-c.jpg"),
        ("http://n.sinaimg.cn/a.jpg", "https://n.sinaimg.cn/a.jpg"),
        ("../x/图 1.jpg?a=1&b=2", "https://finance.sina.com.cn/x/%E5%9B%BE%201.jpg?a=1&b=2"),
        ("/x%20y.jpg", "https://finance.sina.com.cn/x%20y.jpg"),
        ("", None), ("data:image/gif;base64,AA", None), ("javascript:x()", None), ("java\tscript:x()", None), ("mailto:a@b", None), ("http://[", None),
    ],
)  # fmt: skip
def test_addresses_in_pages_become_absolute_and_https(url: str, expected: str | None) -> None:
    assert absolute_url("http://finance.sina.com.cn/china/a.shtml", url) == expected


def test_an_address_without_a_page_must_be_absolute() -> None:
    assert absolute_url(None, "/a.jpg") is None
    assert absolute_url(None, "//n.sinaimg.cn/a.jpg") == "https://n.sinaimg.cn/a.jpg"


@EXAMPLES
@given(st.one_of(st.text(max_size=60), st.text(alphabet="htps:/.%?#&=@[]sinacom-1 ", max_size=60)))
def test_nothing_crashes_and_twice_is_once(text: str) -> None:
    article_id(text)
    why_not_readable(text)
    if absolute := absolute_url(DOC, text):
        assert absolute_url(None, absolute) == absolute
    try:
        once = canonical_url(text)
    except ValueError:
        return
    assert canonical_url(once) == once


def test_pages_of_prices_and_pictures_are_named() -> None:
    base = "https://finance.sina.com.cn"
    assert why_not_readable(f"{base}/realstock/company/sh699999/nc.shtml") == "quote"
    assert why_not_readable(f"{base}/fund/quotes/000001/bc.shtml") == "quote"
    assert why_not_readable(f"{base}/magazine/12/show.shtml") == "magazine"
    assert why_not_readable(f"{base}/money/quotes/2021-06-18/doc-ixyzabcd1234567.shtml") is None

"""Sina's URLs: whose they are, which article they name, and one spelling for each. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import parse_qs, quote, unquote, urljoin, urlsplit, urlunsplit

SINA_ROOTS = ("sina.com.cn", "sina.cn")
PICTURE_ROOTS = ("sinaimg.cn",)  #: whose hosts are asked for pictures only

#: Query keys that say where a reader came from, not which page this is.
TRACKING = frozenset(
    "from wm cre mod loc r doct rfunc tj tr subch sudaref vt cid node_id autocallup isfromsina ch pos dv "
    "wap sid vid_from sina-fr clicktime userid oldpagead fromsinago share_token k_type hpid pwv tag_id "
    "utm_source utm_medium utm_campaign utm_term utm_content spm spider universallink _t".split()
)
#: Everything that can be cut from a path that already names the article.
_PAGE_NUMBER = r"(?:[-_]p?\d{1,2})?"
_DATE = r"(?P<y>(?:19|20)\d{2})-?(?P<m>[01]\d)-?(?P<d>[0-3]\d)"
_COMOS = re.compile(rf"/(?:doc|detail)-(i[a-z0-9]{{6,}}){_PAGE_NUMBER}(?:\.d)?\.s?html?$")
_DOCID = re.compile(r"(?:comos[:-])?([a-z]{2,}[a-z0-9]*\d{4,})")
_HEADLINE = re.compile(r"/articles?/(?:view|detail)/(\d+)/(\w+)")
_KANDIAN = re.compile(r"/article_(\d+_\w+)\.html?$")
_SLIDE = re.compile(r"/slide((?:_\d+)+)\.html?$")
_VIDEO = re.compile(r"/(?:view|v/b|v/[a-z])/([\d-]+)\.s?html?$")
_DATED = re.compile(rf"/{_DATE}/(?P<rest>[\w/-]*?\d{{3,}}){_PAGE_NUMBER}\.s?html?$")

#: Hosts of Sina that publish something other than articles.
NOT_ARTICLE_HOSTS = {
    "blog": "blog", "guba": "forum", "bbs": "forum", "club": "forum", "comment": "comments", "comment5": "comments",
    "login": "login", "passport": "login", "my": "login", "live": "live", "zhibo": "live", "vip": "data",
    "stock": "data", "money": "data", "biz": "data", "search": "search", "tags": "search", "roll": "listing",
    "feed": "listing", "weibo": "weibo", "app": "app", "ad": "advertisement", "ad4": "advertisement",
}  # fmt: skip
_NOT_ARTICLE_PATHS = re.compile(r"/(?:zt(?:_d)?|focus|roll|mobile|app)/|/index\.s?html?$")
#: Pages of prices, and of pictures to leaf through.
#: Announcements and research reports, on hosts that otherwise have figures; their addresses have several forms each.
_BULLETIN = re.compile(r"/corp/(?:view|go\.php)/vCB_AllBulletinDetail(?:\.php)?/?$")
_REPORT = re.compile(r"/vReport_Show/(?:.*/)?rptid/(\d+)(?:/|$)")
_COMPANY_HOSTS = re.compile(r"(?:vip\.stock|money|stock)\.finance\.sina\.com\.cn")
BULLETIN_URL = "https://vip.stock.finance.sina.com.cn/corp/view/vCB_AllBulletinDetail.php?stockid={}&id={}"
_REPORT_URL = "https://stock.finance.sina.com.cn/stock/go.php/vReport_Show/kind/search/rptid/{}/index.phtml"
_QUOTES = re.compile(r"/(?:realstock|quotes?|hq|nmetal)/|/nc\.shtml$")
_MAGAZINES = re.compile(r"/(?:magazine|mag|picmag|photomag)/")


@lru_cache(maxsize=4096)  # a list names an article, then its page names itself
def canonical_url(url: str) -> str:
    """The one spelling of a page's address.

    https, host in lower case, no user, default port, fragment or tracking; Sina's wrappers
    (``norm_detail?url=…``) and percent-encoded ``og:url`` are undone. Raises ValueError for
    what is no http(s) URL.

    >>> canonical_url("http://Finance.sina.com.cn/china/2022-09-01/doc-imizmscv8626000.shtml?from=wap#p=2")
    'https://finance.sina.com.cn/china/2022-09-01/doc-imizmscv8626000.shtml'
    """
    for _ in range(4):
        url = url.strip()
        if re.match(r"https?%3a", url, re.I):
            url = unquote(url)
        if url.startswith("//"):
            url = "https:" + url
        wrapped = _wrapped(url)
        if wrapped is None:
            break
        url = wrapped
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".")
    if parts.scheme.lower() not in ("http", "https") or not host or re.search(r"[\s\x00-\x1f<>\"\\]", url):
        raise ValueError(f"not an http(s) URL: {url[:200]!r}")
    port = "" if parts.port in (None, 80, 443) else f":{parts.port}"
    if paper := _paper(host, parts.path, parts.query):
        return paper[1]
    query = "" if _names_article(host, parts.path) else _without_tracking(parts.query)
    return urlunsplit(("https", host + port, parts.path or "/", query, ""))


def _wrapped(url: str) -> str | None:
    """The address that ``https://cj.sina.cn/article/norm_detail?url=<percent-encoded>`` leads to."""
    parts = urlsplit(url)
    if is_sina_host(parts.hostname or "") and parts.path.rstrip("/").endswith("/norm_detail"):
        return next(iter(parse_qs(parts.query).get("url", [])), None)
    return None


def _without_tracking(query: str) -> str:
    kept = [pair for pair in query.split("&") if pair and pair.split("=")[0].lower() not in TRACKING]
    return "&".join(kept)


def _names_article(host: str, path: str) -> bool:
    return _id_in(host, path) is not None or bool(_KANDIAN.search(path))


def article_id(url: str) -> str | None:
    """The document id that the URL shows; None where only the page knows it (k.sina, undated pages).

    >>> article_id("https://finance.sina.cn/2022-09-01/detail-imizmscv8626000.d.html?from=wap")
    'imizmscv8626000'
    >>> article_id("http://finance.sina.com.cn/s/2005-03-21/244339.shtml")
    'finance-20050321-244339'
    """
    try:
        parts = urlsplit(canonical_url(url))
    except ValueError:
        return None
    paper = _paper(parts.hostname or "", parts.path, parts.query)
    return paper[0] if paper else _id_in(parts.hostname or "", parts.path)


def _paper(host: str, path: str, query: str) -> tuple[str, str] | None:
    """Id and address of an announcement or a research report; None for any other page."""
    if not _COMPANY_HOSTS.fullmatch(host):
        return None
    if found := _REPORT.search(path):
        return f"report-{found[1]}", _REPORT_URL.format(found[1])
    if _BULLETIN.search(path):
        asked = parse_qs(query)
        stock, number = (asked.get(name, [""])[0] for name in ("stockid", "id"))
        if (named := re.fullmatch("(?:sh|sz|bj)?([0-9]{6})", stock)) and re.fullmatch("[0-9]{1,20}", number):
            return f"bulletin-{named[1]}-{number}", BULLETIN_URL.format(named[1], number)
    return None


def stock_in(url: str) -> str | None:
    """The number of the share that an announcement's address names: ``600519``."""
    named = re.match(r"bulletin-([0-9]{6})-", article_id(url) or "")
    return named[1] if named else None


def _id_in(host: str, path: str) -> str | None:
    if found := _COMOS.search(path):
        return found[1]
    if found := _HEADLINE.search(path):
        return f"{found[1]}-{found[2]}"
    if found := _SLIDE.search(path):
        return "slide" + found[1].replace("_", "-")
    if host.startswith("video.") and (found := _VIDEO.search(path)):
        return f"video-{found[1]}"
    if found := _DATED.search(path):
        label = re.sub(r"\.sina(?:\.com)?\.cn$", "", host).replace(".", "-")
        return f"{label}-{found['y']}{found['m']}{found['d']}-{found['rest'].replace('/', '-')}"
    return None


def id_from_docid(docid: str) -> str | None:
    """The id in URLs for a list's ``docid``: ``comos:mizmscv8626000`` -> ``imizmscv8626000``; None for another kind."""
    match = _DOCID.fullmatch(docid)
    return f"i{match[1]}" if match else None


_HOST = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*")


def is_sina_host(host: str, extra: Iterable[str] = ()) -> bool:
    """True for Sina's hosts and ``extra``, and their subdomains; not for ``evilsina.com.cn``."""
    name = host.lower().rstrip(".")
    under = any(name == root or name.endswith("." + root) for root in (*SINA_ROOTS, *extra))
    return under and bool(_HOST.fullmatch(name))


def is_login_host(url: str) -> bool:
    """Whether an address is of a host where readers log in, Sina's or Weibo's.

    >>> is_login_host("https://passport.weibo.com/visitor/visitor"), is_login_host("https://finance.sina.com.cn/x")
    (True, False)
    """
    return NOT_ARTICLE_HOSTS.get((urlsplit(url).hostname or "").split(".")[0]) == "login"


def why_not_readable(url: str) -> str | None:
    """None for what looks like an article, gallery or video page of Sina; else the reason's short name."""
    try:
        parts = urlsplit(canonical_url(url))
    except ValueError:
        return "not_a_url"
    host = parts.hostname or ""
    if not is_sina_host(host):
        return "other_host"
    if _names_article(host, parts.path) or _paper(host, parts.path, parts.query):
        return None
    if reason := NOT_ARTICLE_HOSTS.get(host.split(".")[0]):
        return reason
    if _QUOTES.search(parts.path):
        return "quote"
    if _MAGAZINES.search(parts.path):
        return "magazine"
    if _NOT_ARTICLE_PATHS.search(parts.path) or not re.search(r"\.s?html?$", parts.path):
        return "not_an_article"
    return None


#: Nearly all of Sina's: nothing to resolve, quote or refuse.
_PLAIN = re.compile(r"(https?:)?//([a-z0-9-]+(?:\.[a-z0-9-]+)+)(/[\w./-]*)\Z", re.A)
#: Sina's hosts, those of its pictures too; they are known to speak https.
_SPEAK_HTTPS = re.compile(
    r"(?:.*\.)?(?:sina\.(?:com\.cn|cn|com)|sina(?:img|js)\.(?:cn|com)|weibo\.(?:com|cn)|sinajs\.cn)"
)


def absolute_url(base: str | None, url: str) -> str | None:
    """``url`` as an absolute URL with nothing unsafe in it; None for other schemes than http(s), and nonsense.

    It is https where the address says so, names no scheme or is Sina's; other hosts keep their http.
    """
    if (plain := _PLAIN.match(url)) and (plain[1] != "http:" or _SPEAK_HTTPS.fullmatch(plain[2])):
        return f"https://{plain[2]}{plain[3]}"
    url = re.sub(r"[\x00-\x20\x7f]+", lambda gap: "%20" if gap[0].strip("\r\n\t\x00") else "", url.strip())
    if not url:
        return None
    try:
        parts = urlsplit(urljoin(base or "", url))
        if parts.scheme not in ("http", "https") or not parts.hostname:
            return None
        port = "" if parts.port in (None, 80, 443) else f":{parts.port}"
    except ValueError:
        return None
    scheme = "http" if parts.scheme == "http" and not _SPEAK_HTTPS.fullmatch(parts.hostname) else "https"
    path, query, fragment = (quote(part, safe="%/:;,=?&@!$'()*+~#|[]") for part in parts[2:])
    return urlunsplit((scheme, parts.hostname + port, path, query, fragment))


def relative_url(url: str) -> str | None:
    """A relative reference of a local post, made safe; None for an address with a scheme or a host, and for an anchor.

    >>> relative_url("../img/图 1.png"), relative_url("javascript:x"), relative_url("//host/x"), relative_url("#a")
    ('../img/%E5%9B%BE%201.png', None, None, None)
    """
    url = re.sub(r"[\x00-\x1f\x7f]+", "", url.strip()).replace("\\", "/")
    if not url or url.startswith(("#", "//")) or ":" in re.split(r"[/?#]", url, maxsplit=1)[0]:
        return None
    return quote(url, safe="%/:;,=?&@!$'()*+~#|[]")

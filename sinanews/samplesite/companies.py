"""The sample site's companies: their lists, in JSON and on old pages in GBK, their announcements and reports.

Companies share articles of the newsroom, and every fourth report; announcements of two companies have the same numbers.
What the attributes of ``SampleCompanies`` say the lists do wrong is what lists of Sina were seen to, or may.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape
from typing import TYPE_CHECKING, NamedTuple

from sinanews.dates import BEIJING
from sinanews.samplesite import texts

if TYPE_CHECKING:
    from sinanews.samplesite.entries import Newsroom

CODES = ("sh699001", "sz309002", "bj839003")
HTML, JSON, PDF = "text/html", "application/json", "application/pdf"
NEWS_JSON, PAPERS_JSON = "/stocknews/api/news/get4pc", "/cn/api/openapi.php/CB_AllService.getMemordlistbysymbol"
_LISTS = re.compile(r"/(vCB_AllNewsStock|vCB_AllBulletin|vReport_List)(?:\.php|/|$)")
_KINDS = {"vCB_AllNewsStock": "news", "vCB_AllBulletin": "announcements", "vReport_List": "research"}
_REPORT = re.compile(r"/vReport_Show/kind/\w+/rptid/(\d+)/index\.phtml$")
_NOTHING = {"news": "暂时没有数据！", "announcements": "暂时没有数据！", "research": "没有找到相关内容"}
_FRAME = '<html><head><meta charset="gbk"><title>{}</title></head><body><div>外部行情888万元</div>{}</body></html>'


Answer = tuple[str, Callable[[], tuple[str, bytes]]]


class Row(NamedTuple):
    """One line of a list."""

    title: str
    url: str
    when: datetime
    number: int
    cells: tuple[str, str, str] = ("", "", "")  #: 类型, 机构, 研究员


@dataclass(frozen=True)
class Paper:
    """An announcement or a report; ``codes``: of the companies that list it."""

    number: int
    title: str
    day: datetime
    codes: tuple[str, ...]
    text: int  #: number of its text: forms are the same for all companies


class SampleCompanies:
    """Its attributes may be changed while the site runs."""

    def __init__(self, newsroom: Newsroom, newest: datetime, codes: Sequence[str] = CODES) -> None:
        self.newsroom, self.codes, self.today = newsroom, tuple(codes), newest.astimezone(BEIJING)
        self.announcements, self.reports = 9, 8  #: of each company; of all of them
        self.held_back = 0  #: so many of the newest papers are on no list yet
        self.json_rows: dict[str, int] = {}  #: kind → after so many rows its JSON list ends
        self.html_rows: dict[str, int] = {}
        self.page_size = 20  #: rows of an HTML page
        self.form = "strict"  #: of JSON: strict, unquoted or jsonp
        self.encodings: tuple[str, ...] = ("gb18030",)  #: of HTML pages, in turn
        self.relative = False  #: whether the rows of today say 今天
        self.lacking = 0  #: every so-manyth report row lacks cells
        self.paged = True  #: whether the JSON list of announcements has pages
        self.false_empty: set[tuple[str, int]] = set()  #: (kind, page) that is empty when first asked for

    # --- what there is -----------------------------------------------------------------------------------------

    def news(self, code: str) -> list[Row]:
        """Every third readable article is of all companies, the others of one each."""
        place = self.codes.index(code)
        mine = [e for e in self.newsroom.readable if e.number % 3 == 0 or e.number % len(self.codes) == place]
        rows = [Row(e.title, e.url, datetime.fromtimestamp(e.ctime, BEIJING), e.number) for e in mine]
        return sorted(rows, key=lambda row: row.when, reverse=True)

    def papers(self, kind: str) -> list[Paper]:
        midnight = self.today.replace(hour=0, minute=0, second=0, microsecond=0)
        if kind == "research":
            return [self._report(n, midnight - timedelta(days=self.reports - 1 - n)) for n in range(self.reports)][::-1]
        last = self.announcements - 1
        return [
            Paper(
                10_000 + n,
                f"{self.name(code)}：第{n + 1}号公告",
                midnight - timedelta(days=(last - n) // 2),
                (code,),
                n,
            )
            for code in self.codes
            for n in range(last, -1, -1)
        ]

    def _report(self, number: int, day: datetime) -> Paper:
        owner, place = number % len(self.codes), number // len(self.codes)
        codes = self.codes if number % 4 == 0 else (self.codes[owner],)
        return Paper(840_000 + number, f"{self.name(self.codes[owner])}深度报告之{place + 1}", day, codes, 500 + number)

    def name(self, code: str) -> str:
        return texts.heading(int(code[2:]) % 1000, 77).company

    def rows(self, kind: str, code: str) -> list[Row]:
        if code not in self.codes:
            return []
        if kind == "news":
            return self.news(code)
        mine = [paper for paper in self.papers(kind) if code in paper.codes][self.held_back :]
        cells = ("公司研究", "虚山证券", "甲研究/乙分析")
        return [Row(p.title, self.address(kind, p, code), p.day, p.number, cells) for p in mine]

    def address(self, kind: str, paper: Paper, code: str) -> str:
        if kind == "research":
            return f"//stock.finance.sina.com.cn/stock/go.php/vReport_Show/kind/search/rptid/{paper.number}/index.phtml"
        return f"/corp/view/vCB_AllBulletinDetail.php?stockid={code[2:]}&id={paper.number}"

    # --- what is answered --------------------------------------------------------------------------------------

    def answer(self, host: str, path: str, query: Mapping[str, str]) -> Answer | None:
        """What Faults call a request, and what makes its Content-Type and body; None: not of a company."""
        if path in (NEWS_JSON, PAPERS_JSON):
            return "company_json", lambda: (JSON, self._json("news" if path == NEWS_JSON else "announcements", query))
        if path.endswith(".PDF"):
            return "pdf", lambda: (PDF, b"%PDF-1.4\n" + path.encode() * 40 + b"\n%%EOF\n")
        if not host.endswith("finance.sina.com.cn"):
            return None
        if path.endswith("/vCB_AllBulletinDetail.php"):
            return "paper", lambda: (HTML, self._bulletin(query))
        if found := _REPORT.search(path):
            return "paper", lambda: (HTML, self._report_page(int(found[1])))
        if found := _LISTS.search(path):
            return "company_html", lambda: (HTML, self._html(_KINDS[found[1]], path, query))
        return None

    def _whole(self, number: str) -> str:
        return next((code for code in self.codes if code.endswith(number)), number)

    def _json(self, kind: str, query: Mapping[str, str]) -> bytes:
        code = query.get("symbol") or self._whole(query.get("PaperCode", ""))
        page, size = int(query.get("page", 1)), min(int(query.get("num", 50)), 50)
        rows = self.rows(kind, code)[: self.json_rows.get(kind, 10**9)]
        start = (page - 1) * size if kind == "news" or self.paged else 0
        shown = [self._json_row(kind, row) for row in rows[start : start + size]]
        answer = json.dumps({"result": {"status": {"code": 0}, "data": shown}}, ensure_ascii=self.form != "unquoted")
        if self.form == "unquoted":
            return re.sub(r'"(\w+)":', r"\1:", answer).encode(self.encodings[0])
        call = "/*<script>location.href='//sina.com';</script>*/\nlist({})" if self.form == "jsonp" else "{}"
        return call.format(answer).encode()

    def _json_row(self, kind: str, row: Row) -> dict[str, object]:
        if kind == "news":
            stamp = int(row.when.timestamp())
            return {"title": row.title, "url": row.url, "ctime": stamp, "ctime_str": f"{row.when:%Y-%m-%d %H:%M:%S}"}
        return {"title": row.title, "date": f"{row.when:%Y-%m-%d}", "id": str(row.number)}

    def _html(self, kind: str, path: str, query: Mapping[str, str]) -> bytes:
        named = re.search(r"/(?:symbol|stockid)/(\w+)\.phtml$", path)
        code = self._whole(named[1] if named else query.get("symbol") or query.get("stockid", ""))
        page = int(query.get("Page") or query.get("p") or 1)
        rows = self.rows(kind, code)[: self.html_rows.get(kind, 10**9)]
        shown = rows[(page - 1) * self.page_size : page * self.page_size]
        if (kind, page) in self.false_empty:
            self.false_empty.remove((kind, page))
            shown = []
        make = self._table if kind == "research" else self._datelist
        body = make(shown) if shown else f'<div class="datelist">{_NOTHING[kind]}</div>'
        if kind == "announcements" and page * self.page_size < len(rows):
            body += f'<a href="/corp/view/vCB_AllBulletin.php?stockid={code[2:]}&Page={page + 1}">下一页</a>'
        return self._encoded(_FRAME.format(kind, body), page)

    def _datelist(self, rows: Sequence[Row]) -> str:
        lines = (
            f'{self._when(row)}&nbsp;&nbsp;<a target="_blank" href="{escape(row.url)}">{escape(row.title)}</a><br>'
            for row in rows
        )
        return f'<div class="datelist"><ul>{"".join(lines)}</ul></div>'

    def _when(self, row: Row) -> str:
        clock = "" if row.when.hour == row.when.minute == 0 else f"&nbsp;{row.when:%H:%M}"
        return (
            f"今天{clock}" if self.relative and row.when.date() == self.today.date() else f"{row.when:%Y-%m-%d}{clock}"
        )

    def _table(self, rows: Sequence[Row]) -> str:
        """Cells that nobody closes, as on the site's old pages."""
        lines = []
        for place, row in enumerate(rows, 1):
            kind, house, analysts = row.cells
            link = f'<a target="_blank" title="{escape(row.title)}" href="{row.url}">{escape(row.title[:4])}…</a>'
            cells = [
                str(place),
                link,
                kind,
                self._when(row),
                f'<div class="fname05"><span>{house}</span></div>',
                analysts,
            ]
            cells = [*cells[:2], "", cells[3]] if self.lacking and place % self.lacking == 0 else cells
            opened = ("<td>", "<td class='tal f14'>", *["<td>"] * 4)
            lines.append("<tr>" + "".join(map("".join, zip(opened, cells, strict=False))))
        head = "<tr><th>序号<th>标题<th>类型<th>日期<th>机构<th>研究员"
        return f'<table class="tb_01">{head}{"".join(lines)}</table>'

    def _encoded(self, page: str, number: int) -> bytes:
        return page.encode(self.encodings[(number - 1) % len(self.encodings)], "replace")

    def _bulletin(self, query: Mapping[str, str]) -> bytes:
        code, number = self._whole(query.get("stockid", "")), query.get("id", "")
        paper = next((p for p in self.papers("announcements") if code in p.codes and str(p.number) == number), None)
        if paper is None:
            return self._encoded(_FRAME.format("公告", '<div class="x">暂时没有数据！</div>'), 1)
        form = "".join(f"<p>　　{escape(words)}</p>" for words in texts.story(paper.text, 78).paragraphs)
        table = f"<table><tr><td>金额</td><td>{number}万元</td></tr></table>"
        text = f"<p>{escape(self.name(code))}第{paper.number}号。</p>{form}{table}"
        pdf = f"https://file.finance.sina.com.cn/211.154.219.97:9494/MRGG/{code}/{number}.PDF"
        heading = f'{escape(paper.title)}\n<font>（<a href="{pdf}">下载公告</a>）</font>'
        body = (
            f'<table id="allbulletin"><thead><tr><th>{heading}</th></tr></thead><tbody><tr><td class="graybgH2">'
            f'公告日期:{paper.day:%Y-%m-%d}</td></tr><tr><td><div id="box"><div id="content">{text}'
            '<div class="related"><p>另一公司900万元。</p></div></div></div></td></tr></tbody></table>'
        )
        return self._encoded(_FRAME.format("公司公告_新浪财经", body), 1)

    def _report_page(self, number: int) -> bytes:
        paper = next((p for p in self.papers("research") if p.number == number), None)
        if paper is None:
            return self._encoded(_FRAME.format("研报", '<div class="x">没有找到相关内容</div>'), 1)
        text = "".join(f"<p>　　{escape(words)}</p>" for words in texts.story(paper.text, 79).paragraphs)
        labels = {"类别": "公司研究", "机构": "虚山证券", "研究员": "甲研究/乙分析", "日期": f"{paper.day:%Y-%m-%d}"}
        spans = "".join(f"<span>{label}：<a>{words}</a></span>" for label, words in labels.items())
        body = f'<div class="content"><h1>{escape(paper.title)}</h1><div class="creab">{spans}</div>'
        return self._encoded(
            _FRAME.format("研究报告_新浪财经", f'{body}<div class="blk_container">{text}</div></div>'), 1
        )

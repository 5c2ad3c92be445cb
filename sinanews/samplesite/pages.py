"""Article pages in the layouts of Sina, around invented texts: their clutter is there to be cleaned away."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from html import escape
from string import Template

from sinanews.dates import BEIJING
from sinanews.samplesite.api import image_of
from sinanews.samplesite.entries import Entry, chance
from sinanews.samplesite.texts import DATA, Text, heading

_AD = '<div id="left_hzh_ad"><script>document.write("ad");</script><a href="https://ad.example/">推广</a></div>'
_NOTICE = (
    '<p><span style="font-family: KaiTi_GB2312;">免责声明：内容版权归原作者所有，不代表新浪立场。</span></p>',
    '<div class="article-notice">特别声明：以上内容不构成投资建议。</div>',
    "",
)
_TABLE = (
    "<table><caption>{0}主要数据</caption><tr><th>项目</th><th>本期</th><th>上期</th></tr>"
    '<tr><td rowspan="2">收入（万元）</td><td>{1}</td><td>{2}</td></tr><tr><td>{3}</td><td>{4}</td></tr></table>'
)


@cache
def template(name: str) -> Template:
    return Template((DATA / f"{name}.html").read_text(encoding="utf-8"))


def pages_of(entry: Entry) -> int:
    return 3 if entry.kind == "long" else 1


def page(entry: Entry, number: int = 1) -> bytes:
    """One of the entry's pages, in GBK for the old layout and UTF-8 for the others."""
    text, image = entry.text(), image_of(entry)
    words = {
        "title": text.title, "intro": text.intro, "keywords": ",".join(text.keywords), "media": text.media,
        "url": entry.url, "docid": entry.docid, "number": str(entry.number), "editor": text.editor, "stock": text.stock,
        "og_image": (image or "//n.sinaimg.cn/default/generic.png").removeprefix("https:"),
        "code": f"{entry.number % 90 + 10}",
    }  # fmt: skip
    values = {name: escape(value) for name, value in words.items()} | _times(entry)
    values["tags"] = "".join(f'<a href="https://tags.example/{k}">{k}</a>' for k in text.keywords)
    values["notice"] = _NOTICE[entry.number % len(_NOTICE)]
    blocks, last = _blocks(entry, text, image), pages_of(entry)
    share = -(-len(blocks) // last)
    blocks = blocks[share * (number - 1) : share * number] + ([_pager(entry, last)] if last > 1 else [])
    values["body"] = "\n".join(blocks)
    html = template("finance" if entry.kind == "long" else entry.kind).substitute(values)
    return html.encode("gb18030") if entry.kind == "old" else html.encode()


def _pager(entry: Entry, last: int) -> str:
    stem = entry.url.rpartition("/")[2].removesuffix(".shtml")
    names = [stem, *(f"{stem}_{number}" for number in range(2, last + 1))]
    return (
        '<div class="page">' + "".join(f'<a href="{name}.shtml">{n}</a>' for n, name in enumerate(names, 1)) + "</div>"
    )


def _times(entry: Entry) -> dict[str, str]:
    created, updated, entered = (datetime.fromtimestamp(t, BEIJING) for t in (entry.ctime, entry.mtime, entry.intime))
    return {
        "created": f"{created:%Y-%m-%d %H:%M:%S}", "updated": f"{updated:%Y-%m-%d %H:%M:%S}",
        "published": entered.isoformat(), "shown": f"{created:%Y年%m月%d日 %H:%M}",
        "shown_old": f"{created:%Y年%m月%d日%H:%M}",
    }  # fmt: skip


def _blocks(entry: Entry, text: Text, image: str | None) -> list[str]:
    """The body's elements in order, Sina's additions among them."""
    blocks = [f"<p>　　{escape(paragraph, quote=False)}</p>" for paragraph in text.paragraphs]
    if entry.kind == "finance":
        blocks = _with_stock_link(blocks, text)
        blocks.insert(2, _AD)
    story = entry.seed, entry.text_number  # not the entry's own number: a reprint has the same figures and captions
    if chance(*story, "table") < 0.1:
        blocks.append(_TABLE.format(text.company, *(int(chance(*story, n) * 9000) for n in range(4))))
    if image:
        caption = f'<span class="img_descr">图为{text.company}厂区（示意）</span>' if entry.text_number % 2 else ""
        picture = f'<img src="{image.removeprefix("https:")}" alt="{text.company}">'
        blocks.insert(1, f'<div class="img_wrapper">{picture}{caption}</div>')
    if entry.is_reprint or entry.number % 6 == 1:
        blocks.insert(0, f"<p>　　原标题：{escape(heading(entry.text_number, entry.seed).title, quote=False)}</p>")
    return blocks


def _with_stock_link(blocks: list[str], text: Text) -> list[str]:
    """The company's first mention becomes a link to its quotes, with the empty span for the live price."""
    link = (
        f'<span id="stock_{text.stock}"><a href="https://finance.sina.com.cn/realstock/company/{text.stock}/nc.shtml" '
        f'class="keyword" target="_blank">{text.company}</a></span><span id="quote_{text.stock}"></span>'
    )
    for position, block in enumerate(blocks):
        if text.company in block:
            return [*blocks[:position], block.replace(text.company, link, 1), *blocks[position + 1 :]]
    return blocks

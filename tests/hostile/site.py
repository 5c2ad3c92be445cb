"""A sample site whose lists and pages hold a payload in every field."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path

from sinanews.samplesite import SampleSite
from sinanews.samplesite.pages import template
from sinanews.samplesite.server import HTML, Answer, Request

PAYLOADS = tuple((Path(__file__).parent / "payloads.txt").read_text("utf-8").splitlines())
BEFORE, AFTER = "前面的一段文字", "后面的一段文字"


class HostileSite(SampleSite):
    """As many articles as payloads, in one layout; article ``n`` holds payload ``n``."""

    def __init__(self) -> None:
        super().__init__(articles=len(PAYLOADS), reprints=0, shares={})

    def answer(self, request: Request) -> tuple[Answer, str | None]:
        answer, fault = super().answer(request)
        entry = self.newsroom.at(request.host, request.path)
        if request.path == "/api/roll/get":
            told = json.loads(answer.body)
            for row in told["result"]["data"]:
                number = self.newsroom.at("finance.sina.com.cn", row["url"].split("sina.com.cn", 1)[1])
                payload = PAYLOADS[number.number] if number else ""
                row |= dict.fromkeys(("title", "intro", "summary", "keywords", "media_name"), payload)
                row["img"] = {"u": payload}
            answer = answer._replace(body=json.dumps(told).encode())
        elif entry is not None:
            answer = Answer(200, HTML, page(PAYLOADS[entry.number], entry.text().paragraphs, entry.url))
        return answer, fault


def page(payload: str, paragraphs: list[str], url: str) -> bytes:
    """The payload as text in every field, and as markup at the end of the body and in a caption."""
    shown = escape(payload)
    names = ("title", "intro", "keywords", "media", "docid", "number", "editor", "stock", "og_image", "code", "tags")
    values = dict.fromkeys(names, shown) | {"url": url, "notice": ""}
    values |= {"created": "2026-11-20 08:00:00", "updated": "2026-11-20 08:00:00", "shown": "2026年11月20日 08:00"}
    values |= {"published": "2026-11-20T08:00:00+08:00", "shown_old": ""}
    values["body"] = "\n".join(
        [
            *(f"<p>{escape(text)}</p>" for text in paragraphs),
            f"<p>{BEFORE}</p>\n<p>{shown}</p>\n<p>{AFTER}</p>",
            f'<div class="img_wrapper"><img src="https://n.sinaimg.cn/a.png" alt="{shown}"><span class="img_descr">{shown}</span></div>',
            payload,
        ]
    )
    return template("finance").substitute(values).encode()


def write_seeds(folder: Path) -> None:
    """A seed for each payload: as title, category, author, picture and body."""
    folder.mkdir()
    for number, payload in enumerate(PAYLOADS):
        text = payload.replace("'", "''")
        header = f"title: '{text}'\ncategories:\n - 金融\n - '{text}'\nheadimg: '{text}'\nauthor: '{text}'\n"
        header += (
            f"comments: false\ndate: Thu, 01 Sep 2022 00:{number // 60:02}:{number % 60:02} GMT\nthumbnail: '{text}'"
        )
        body = f"<p>第{number}篇：{BEFORE}</p>\n<p>{escape(payload)}</p>\n<p>{AFTER}</p>\n{payload}"
        (folder / f"{number:03}.txt").write_text(f"\n---\n{header}\n---\n\n<div>   \n{body}  \n</div>", "utf-8")

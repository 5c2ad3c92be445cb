"""The sample site's list APIs: the roll API and the two feeds of 7x24. Functions from a site and a query to bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sinanews.dates import BEIJING
from sinanews.samplesite import texts
from sinanews.samplesite.entries import Channel, Entry, chance

if TYPE_CHECKING:
    from sinanews.samplesite.server import SampleSite

ROOMS = {152: "财经", 151: "政经", 153: "综合", 155: "市场", 164: "国际", 242: "行业"}
LIVE_STEP = 90  #: seconds between two rows of a room
_FIRST_ID, _ID_STEP = 4_000_000, 6  # of a row of the first room; those of the others lie between
#: what every row has alike
_ROW: dict[str, Any]
_LIVE: dict[str, Any]
_ROW, _LIVE = (json.loads((texts.DATA / f"{name}.json").read_text(encoding="utf-8")) for name in ("row", "live"))
_LIVE_ERROR = {"result": {"status": {"code": 1, "msg": "param error"}, "data": {"feed": {"list": []}}}}
_SINA_TIME = "%a %b %d %H:%M:%S %z %Y"


def roll(site: SampleSite, query: Mapping[str, str]) -> bytes:
    """``/api/roll/get``: JSON, or JSONP where ``callback`` is given."""
    try:
        channel = int(query["pageid"]), int(query["lid"])
        size, page = min(max(int(query.get("num", 50)), 1), 50), max(int(query.get("page", 1)), 1)
        window = None if site.ignore_windows else _window(query)
        with site.newsroom.lock:
            found = site.newsroom.find(channel, window, query.get("k", ""))
            rows = [row(entry, channel) for entry in found[(page - 1) * size : page * size]]
            answer = _envelope(site.newsroom.clock, channel, len(found), rows, window)
    except (KeyError, ValueError):
        answer = bad_status()
    return _encode(answer, query.get("callback"))


def bad_status(code: int = 11, msg: str = "pageid or lid error") -> dict[str, Any]:
    """What the API says instead of data."""
    return {"result": {"status": {"code": code, "msg": msg}, "timestamp": "", "total": 0, "lid": 0, "data": []}}


def _window(query: Mapping[str, str]) -> tuple[int, int] | None:
    """``etime`` is the beginning and ``stime`` the end: the API's names are swapped."""
    if query.get("etime") and query.get("stime"):
        return int(query["etime"]), int(query["stime"])
    return None


def _envelope(
    now: int, channel: Channel, total: int, rows: list[dict[str, Any]], window: tuple[int, int] | None
) -> dict[str, Any]:
    times = [int(r["ctime"]) for r in rows] or [now]
    begin, end = window or (min(times), max(times))
    stamp = datetime.fromtimestamp(now, BEIJING).strftime(_SINA_TIME)
    return {"result": {
        "status": {"code": 0, "msg": "succ"}, "timestamp": stamp, "total": total, "lid": channel[1],
        "rtime": now, "start": begin, "end": end, "data": rows,
    }}  # fmt: skip


def _encode(answer: dict[str, Any], callback: str | None = None) -> bytes:
    text = json.dumps(answer)
    return (f"try{{{callback}({text});}}catch(e){{}};" if callback else text).encode()


def image_of(entry: Entry) -> str | None:
    """The address of the picture that two in three articles have."""
    if chance(entry.seed, entry.text_number, "image") > 0.66:
        return None
    day = datetime.fromtimestamp(entry.ctime, BEIJING)
    return f"https://n.sinaimg.cn/finance/crawl/60/w550h310/{day:%Y%m%d}/{entry.docid[:4]}-{entry.docid}.png"


def row(entry: Entry, channel: Channel) -> dict[str, Any]:
    """An entry as the roll API writes it: nearly everything a string."""
    text, image, number = entry.text(paragraphs=False), image_of(entry), str(entry.number)
    width: str | int = "550" if entry.number % 2 else 550
    return _ROW | {
        "docid": f"comos:{entry.docid}", "oid": number, "url": entry.url, "urls": json.dumps([entry.url]),
        "wapurl": f"https://finance.sina.cn/detail-i{entry.docid}.d.html", "commentid": f"cj:comos-{entry.docid}:0",
        "title": text.title, "summary": text.intro, "intro": text.intro, "keywords": ",".join(text.keywords),
        "media_name": text.media, "ctime": str(entry.ctime), "mtime": str(entry.mtime), "intime": str(entry.intime),
        "img": {"u": image, "w": width, "h": 310, "alt": text.title} if image else [],
        "images": [{"u": image, "w": width, "h": "310"}] if image else [],
        "lids": ",".join(str(lid) for _, lid in entry.channels), "channelid": str(channel[1]),
    }  # fmt: skip


def zhibo(site: SampleSite, query: Mapping[str, str]) -> bytes:
    """``/api/zhibo/feed``: newest first, at most 20 a page. It has the newest ``live_reach``."""
    try:
        room, page = int(query.get("zhibo_id", 152)), max(int(query.get("page", 1)), 1)
        size, place = min(max(int(query.get("page_size", 20)), 1), 20), list(ROOMS).index(room)
    except ValueError:
        return _encode(_LIVE_ERROR)
    shown, last = min(site.live, site.live_reach), site.live - 1 - (page - 1) * size
    rows = [live_row(site, place, k) for k in range(last, max(last - size, site.live - 1 - shown), -1)]
    pages = {"totalPage": -(-shown // size), "pageSize": size, "totalNum": shown, "pName": "page", "page": page}
    stamp = datetime.fromtimestamp(site.live_start + site.live * LIVE_STEP, BEIJING).strftime(_SINA_TIME)
    data = {"feed": {"list": rows, "html": "", "page_info": pages}}
    status = {"code": 0, "msg": "OK"}
    return _encode({"result": {"status": status, "timestamp": stamp, "data": data}}, query.get("callback"))


def cursor(site: SampleSite, query: Mapping[str, str]) -> bytes:
    """``/api/news/pc``: the rows of room 152, newest first; with ``id`` those below it. It has the newest
    ``cursor_reach``, whose ids are ``cursor_shift`` above those of the room."""
    try:
        size, below = min(max(int(query.get("size", 20)), 1), 50), int(query.get("id", 0))
    except ValueError:
        return _encode(_LIVE_ERROR)
    last = site.live - 1
    if below:
        last = min(last, -(-(below - site.cursor_shift - _FIRST_ID) // _ID_STEP) - 1)
    rows = [live_row(site, 0, k) for k in range(last, max(last - size, site.live - 1 - site.cursor_reach, -1), -1)]
    rows = [{**row, "id": int(row["id"]) + site.cursor_shift} for row in rows]
    ids = [row["id"] for row in rows] or [0]
    feed = {"list": rows, "min_id": min(ids), "max_id": max(ids)}
    return _encode({"result": {"status": {"code": 0, "msg": "OK"}, "data": {"feed": feed}}}, query.get("callback"))


def live_row(site: SampleSite, place: int, number: int) -> dict[str, Any]:
    """A row of the room at that place: every fifth refers to an article of the site, every third names no stock."""
    room, row_id = list(ROOMS)[place], _FIRST_ID + _ID_STEP * number + place
    readable = site.newsroom.readable
    rich_text, company, code = texts.flash(row_id, site.newsroom.seed)
    made = datetime.fromtimestamp(site.live_start + number * LIVE_STEP, BEIJING).strftime("%Y-%m-%d %H:%M:%S")
    stocks = [{"market": "cn", "symbol": code, "key": company}] if number % 3 else []
    ext: dict[str, Any] = {"stocks": stocks, "needPushWB": False}
    if readable and number % 5 == 0:
        linked = readable[row_id % len(readable)]
        ext |= {"docurl": linked.url, "docid": linked.docid}
    return _LIVE | {
        "id": row_id if number % 2 else str(row_id), "zhibo_id": room, "rich_text": rich_text, "create_time": made,
        "update_time": made, "commentid": f"live:finance-{room}-{row_id}:0", "ext": json.dumps(ext),
        "comment_list": comments(number),
        "tag": [{"id": "5", "name": ROOMS[room]}] if number % 4 else [], "docurl": ext.get("docurl", ""),
    }  # fmt: skip


def comments(number: int) -> dict[str, Any]:
    """What readers wrote below a row: every fourth one has two comments."""
    found = [
        {"uid": f"9{number:06}{k}", "nick": f"读者甲{number}{k}", "area": "青湾省远桥市", "content": f"好评{number}{k}",
         "time": "2026-11-20 09:00:00", "ip": "192.0.2.7", "agree": "3"}
        for k in (1, 2) if number % 4 == 0
    ]  # fmt: skip
    return {"list": found, "total": len(found), "thread_show": 0, "qreply": 0, "qreply_show": 0, "show": len(found)}

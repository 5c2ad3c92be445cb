"""What the sample site offers: entries in order of time. Texts are made only when somebody asks for them."""

from __future__ import annotations

import re
import threading
from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import blake2b

from sinanews.dates import BEIJING
from sinanews.listing.channels import CHANNELS as TABLE
from sinanews.samplesite import texts

NEWEST = datetime(2026, 11, 20, 18, 0, tzinfo=BEIJING)
Channel = tuple[int, int]  #: pageid, lid
CHANNELS: tuple[Channel, ...] = ((155, 1686), (155, 1687), (384, 2671))
#: The other channels of the table; each has a share of the entries.
OTHERS: tuple[Channel, ...] = tuple(pair for c in TABLE if (pair := (c.pageid, c.lid)) not in CHANNELS)
_OTHERS_OF_AN_ENTRY = 4
_STRAY = 6 * 3600  #: an out-of-order entry stands this many seconds above its time at most
_TOP = 1 << 40  #: rank of pinned entries

#: kind -> its URL; ``long`` has several pages, ``old`` is the GBK page of 2009-13, whose URL shows no document id
URLS = {
    "finance": "https://finance.sina.com.cn/{section}/{day:%Y-%m-%d}/doc-{doc}.shtml",
    "long": "https://finance.sina.com.cn/{section}/{day:%Y-%m-%d}/doc-{doc}.shtml",
    "news": "https://news.sina.com.cn/c/{day:%Y-%m-%d}/doc-{doc}.shtml",
    "old": "http://finance.sina.com.cn/china/{day:%Y%m%d}/{day:%H%M}{number:08}.shtml",
    "gallery": "http://slide.finance.sina.com.cn/slide_9_63957_{number}.html",
    "video": "https://video.sina.com.cn/p/finance/{day:%Y-%m-%d}/detail-{doc}.d.html",
    "offsite": "https://www.qingwan-caijing.example/a/{number}.html",
}
#: kind -> share of the entries; the rest is ``finance``
SHARES = {"news": 0.12, "old": 0.08, "offsite": 0.03, "gallery": 0.02, "video": 0.02}
READABLE = ("finance", "long", "news", "old")
_DOC = re.compile(r"/(?:doc|detail)-(i\w+)(?:\.d)?\.s?html$")
_SECTIONS = ("china", "roll", "stock/stocktalk", "money/bank", "chanjing/gsnews")


def chance(*parts: object) -> float:
    """A number in [0, 1) that depends on nothing but ``parts``."""
    digest = blake2b(":".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def pick_by_share(value: float, shares: dict[str, float], default: str) -> str:
    """The key whose stretch of [0, 1) holds ``value``."""
    for key, share in shares.items():
        if value < share:
            return key
        value -= share
    return default


@dataclass
class Entry:
    """One line of the lists. Times are epoch seconds; ``id`` is the id that its URL shows."""

    number: int
    id: str
    docid: str  #: without ``comos:``
    url: str
    kind: str
    channels: tuple[Channel, ...]
    ctime: int
    intime: int
    mtime: int
    rank: int  #: place in the lists: ``ctime``, but for pinned and out-of-order entries
    seed: int
    text_number: int  #: another article's number for a reprint
    revision: int = 0

    @property
    def is_reprint(self) -> bool:
        return self.text_number != self.number

    @property
    def title(self) -> str:
        return self.text(paragraphs=False).title

    def text(self, paragraphs: bool = True) -> texts.Text:
        """What the page says; without ``paragraphs`` it costs little."""
        key = self.text_number, self.seed
        text = texts.story(*key, self.revision) if paragraphs else texts.heading(*key)
        if self.is_reprint:
            return replace(text, title=f"转载丨{text.title}", media=f"{text.media}网")
        return text


class Newsroom:
    """All entries, oldest first, and each channel's list. Safe for several threads."""

    def __init__(
        self, articles: int, days: float, newest: datetime, seed: int, *, channels: Sequence[Channel] | None = None,
        reprints: float = 0.04, shares: dict[str, float] | None = None, pinned: int = 0, out_of_order: float = 0.0,
    ) -> None:  # fmt: skip
        self.seed, self.reprints, self.out_of_order = seed, reprints, out_of_order
        self.channels, self.others = (CHANNELS, OTHERS) if channels is None else (tuple(channels), ())
        self.shares = SHARES if shares is None else shares
        self.lock = threading.RLock()
        self.entries: list[Entry] = []
        self.readable: list[Entry] = []  #: those whose page is an article
        self.by_id: dict[str, Entry] = {}
        self.by_place: dict[str, Entry] = {}
        self.lists: dict[Channel, list[Entry]] = {channel: [] for channel in (*self.channels, *self.others)}
        last, step = int(newest.timestamp()), days * 86400 / max(articles, 1)
        for number in range(articles):
            jitter = chance(seed, number, "time") * step if number < articles - 1 else 0
            self._add(number, int(last - (articles - 1 - number) * step - jitter), pinned=number < pinned)

    @property
    def clock(self) -> int:
        """The site's present: a minute after its newest entry."""
        return (self.entries[-1].ctime if self.entries else int(NEWEST.timestamp())) + 60

    def _add(self, number: int, ctime: int, pinned: bool = False) -> Entry:
        entry = self._entry(number, ctime, pinned)
        self.entries.append(entry)
        if entry.kind in READABLE:
            self.readable.append(entry)
        self.by_id[entry.id] = self.by_place[entry.url.split("://", 1)[1]] = entry
        for channel in entry.channels:
            ranked = self.lists[channel]
            if ranked and ranked[-1].rank > entry.rank:
                insort(ranked, entry, key=lambda e: e.rank)
            else:
                ranked.append(entry)
        return entry

    def _entry(self, number: int, ctime: int, pinned: bool) -> Entry:
        seed, day = self.seed, datetime.fromtimestamp(ctime, BEIJING)
        kind = pick_by_share(chance(seed, number, "kind"), self.shares, "finance")
        letters = int(chance(seed, number, "id") * 26**6)
        word = "".join(chr(97 + letters // 26**place % 26) for place in range(6))
        doc = f"im{word}{(number * 7919 + seed) % 10**7:07}"
        section = _SECTIONS[int(chance(seed, number, "section") * len(_SECTIONS))]
        url = URLS[kind].format(section=section, day=day, doc=doc, number=number)
        stray = number and chance(seed, number, "stray") < self.out_of_order
        late = int(chance(seed, number, "late") * 300)
        copied = kind == "finance" and chance(seed, number, "reprint") < self.reprints
        return Entry(
            number, _id_in_url(kind, doc, day, number), doc[1:], url, kind, self._channels_of(number), ctime,
            intime=ctime + late, mtime=ctime + 2 * late, seed=seed,
            text_number=self._original(number) if copied else number,
            rank=_TOP if pinned else ctime + int(stray and chance(seed, number, "up") * _STRAY),
        )  # fmt: skip

    def _channels_of(self, number: int) -> tuple[Channel, ...]:
        """The first channel lists everything, the others a tenth each; those of the table beyond, some in turn."""
        tenth = int(chance(self.seed, number, "channel") * 10)
        mine = range(number, number + _OTHERS_OF_AN_ENTRY * 5, 5) if self.others else ()
        beyond = tuple(self.others[k % len(self.others)] for k in mine)
        return self.channels[:1] + self.channels[1 + tenth : 2 + tenth] + beyond

    def _original(self, number: int) -> int:
        """One of the 50 readable entries before; or what that one is itself a reprint of."""
        earlier = self.readable[-50:]
        return earlier[int(chance(self.seed, number, "original") * len(earlier))].text_number if earlier else number

    def publish(self, n: int, at: datetime | None = None) -> list[Entry]:
        """Adds ``n`` newer entries a second apart, the last at ``at`` (default: as early as possible)."""
        with self.lock:
            count, newest = len(self.entries), self.clock - 60
            last = int(at.timestamp()) if at else newest + n
            return [self._add(count + i, max(newest, last - (n - 1 - i))) for i in range(n)]

    def edit(self, ids: Iterable[str], touch_only: bool = False) -> None:
        """Gives articles a newer ``mtime`` and, unless ``touch_only``, another text. KeyError for unknown ids."""
        with self.lock:
            for entry in [self.by_id[one] for one in ids]:
                entry.mtime = max(self.clock, entry.mtime + 60)
                entry.revision += not touch_only

    def at(self, host: str, path: str) -> Entry | None:
        """The entry of an address, also under another channel's path or on the mobile host."""
        found = _DOC.search(path) if host.endswith(("sina.com.cn", "sina.cn")) else None
        return self.by_place.get(host + path) or (self.by_id.get(found[1]) if found else None)

    def find(self, channel: Channel, window: tuple[int, int] | None, words: str = "") -> list[Entry]:
        """The entries of a channel, newest first, of the window ``begin <= ctime < end``. KeyError: no such channel."""
        ranked = self.lists[channel]
        if window:
            begin, end = window
            low = bisect_left(ranked, begin, key=lambda e: e.rank)
            ranked = [entry for entry in ranked[low:] if begin <= entry.ctime < end]
        if words:
            ranked = [entry for entry in ranked if words in entry.title]
        return ranked[::-1]


def _id_in_url(kind: str, doc: str, day: datetime, number: int) -> str:
    names = {"old": f"finance-{day:%Y%m%d}-{day:%H%M}{number:08}", "gallery": f"slide-9-63957-{number}"}
    return names.get(kind, doc)

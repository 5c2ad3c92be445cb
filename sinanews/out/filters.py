"""Which articles are asked for, in the words of the spiders' arguments (``-a name=value``)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import ColumnElement, or_, select

from sinanews.arguments import Parser, day, day_or_age, flag, names, parse_arguments, since_when
from sinanews.catalogue.tables import article_channels, article_stocks, articles
from sinanews.exceptions import ArgumentError
from sinanews.items import ArticleItem
from sinanews.listing.channels import select_channels

KINDS = ("article", "video", "gallery", "live", "announcement", "research")
_PREFIX = re.compile(r"(?i)(sh|sz|bj|hk)(?=[0-9A-Z])")
_NUMBER = re.compile(r"\d{5,6}")
Rows = Literal["a row", "few", "all"]
a, ac, stock = articles.c, article_channels.c, article_stocks.c


@dataclass(frozen=True)
class Filters:
    """What an article has to be; an empty one asks for all that is exported.

    Within one field any of the values will do, and every field that is given has to fit.
    """

    since: datetime | None = None  #: published at this aware moment or later
    until: datetime | None = None  #: published before this aware moment
    channels: tuple[str, ...] = ()  #: slugs; any channel that listed the article counts
    stocks: tuple[str, ...] = ()  #: codes as articles have them: sh600519, hk00700, JPM
    media: tuple[str, ...] = ()  #: 来源, as written
    kinds: tuple[str, ...] = ()  #: of KINDS
    ids: tuple[str, ...] = ()
    copies: bool = False  #: copies without a post too: dropped ones, which have no text, and those set aside

    def conditions(self, knows_stocks: bool = True, *, of: Rows = "all") -> Iterator[ColumnElement[bool]]:
        """What holds of a row of ``articles``; for stocks only if the catalogue has those of all: else see ``fits``.

        ``of``: "a row" that is named already; "few", which an index may name by any of the values, in no order; else
        it may do so by a stock only, which few have.
        """
        yield a.state.in_(("exported", "duplicate")) if self.copies else a.state == "exported"
        if self.since is not None:
            yield a.published_at >= self.since
        if self.until is not None:
            yield a.published_at < self.until
        if self.channels:  # the first is in the row; a rebuilt catalogue has no other
            listed = select(ac.article_id).where(ac.article_id == a.id, ac.channel.in_(self.channels))
            yield or_(a.channel.in_(self.channels), listed.exists())
        if self.stocks and knows_stocks:
            named = select(stock.article_id).where(stock.stock.in_(self.stocks))
            yield named.where(stock.article_id == a.id).exists() if of == "a row" else a.id.in_(named)
        for column, values in ((a.media, self.media), (a.kind, self.kinds)):
            if values:
                yield (column if of == "few" else column.concat("")).in_(values)
        if self.ids:
            yield a.id.in_(self.ids)

    def fits(self, item: ArticleItem) -> bool:
        """Whether an article has one of the stocks, where stocks were asked for."""
        return not self.stocks or not set(self.stocks).isdisjoint(item.stocks)


def parse_filters(given: Mapping[str, str], now: datetime) -> Filters:
    """The filters of ``-a name=value``; days are Beijing's and ``until`` is included.

    Raises ArgumentError that names what is not understood and what is allowed.
    """
    values = parse_arguments(PARSERS, given, "this command")
    if "since" in values:
        values["since"] = since_when(values["since"], now)
    if "until" in values:
        values["until"] = since_when(values["until"], now) + timedelta(days=1)
    found = Filters(**values)
    if found.since is not None and found.until is not None and found.since >= found.until:
        raise ArgumentError(f"argument until={given['until']!r}: before since={given['since']!r}")
    return found


def _channels(text: str) -> tuple[str, ...]:
    """Slugs; names that are no channel of Sina's may be another project's, and stay as they are."""
    found: dict[str, None] = {}
    for name in names(text):
        try:
            found.update(dict.fromkeys(channel.slug for channel in select_channels([name])))
        except ArgumentError:
            found[name] = None
    return tuple(found)


def _stocks(text: str) -> tuple[str, ...]:
    """Codes as articles have them; six figures alone are a mainland stock of any exchange.

    >>> _stocks("SH600519,jpm"), _stocks("000001")
    (('sh600519', 'JPM'), ('sh000001', 'sz000001', 'bj000001', '000001'))
    """
    found: dict[str, None] = {}
    for code in names(text):
        match = _PREFIX.match(code)
        if match and len(code) > 2 and (code[2:].isdigit() or match[1].lower() == "hk"):
            found[match[1].lower() + code[2:].upper()] = None
        elif _NUMBER.fullmatch(code):
            markets = ("sh", "sz", "bj") if len(code) == 6 else ("hk",)
            found.update(dict.fromkeys([*(market + code for market in markets), code]))
        else:
            found[code.upper()] = None
    return tuple(found)


def _kinds(text: str) -> tuple[str, ...]:
    found = names(text)
    if unknown := [kind for kind in found if kind not in KINDS]:
        raise ArgumentError(f"unknown kind {unknown[0]!r}; allowed: {', '.join(KINDS)}")
    return found


PARSERS: dict[str, Parser] = {
    "since": day_or_age,
    "until": day,
    "channels": _channels,
    "stocks": _stocks,
    "media": names,
    "kinds": _kinds,
    "ids": names,
    "copies": flag,
}

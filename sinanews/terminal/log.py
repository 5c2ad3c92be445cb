"""What the log says of each item."""

from __future__ import annotations

import logging
from typing import Any

from scrapy import Spider
from scrapy.logformatter import LogFormatter

#: Who tells at INFO how Scrapy was put together and what it counted; the last line and its table say what matters.
BOILERPLATE = ("addons", "core.engine", "crawler", "middleware", "statscollectors", "utils.log")


def spare_terminal() -> None:
    """Keep that from a terminal that a person looks at; a log file has it, and so has ``-L DEBUG``."""
    for name in BOILERPLATE:  # a filter, for Scrapy sets the levels anew when it sets up the log
        logging.getLogger(f"scrapy.{name}").addFilter(lambda record: record.levelno >= logging.WARNING)


class QuietLogFormatter(LogFormatter):
    """Drops and scraped items are counted, not logged one line each; ``-L DEBUG`` shows them."""

    def dropped(self, item: Any, exception: BaseException, response: Any, spider: Spider) -> Any:
        return {"level": logging.DEBUG, "msg": "Dropped: %(exception)s", "args": {"exception": exception}}

    def scraped(self, item: Any, response: Any, spider: Spider) -> Any:
        return {"level": logging.DEBUG, "msg": "Scraped %(id)s", "args": {"id": getattr(item, "id", item)}}

"""What the log says of each item."""

from __future__ import annotations

import logging
from typing import Any

from scrapy import Spider
from scrapy.logformatter import LogFormatter


class QuietLogFormatter(LogFormatter):
    """Drops and scraped items are counted, not logged one line each; ``-L DEBUG`` shows them."""

    def dropped(self, item: Any, exception: BaseException, response: Any, spider: Spider) -> Any:
        return {"level": logging.DEBUG, "msg": "Dropped: %(exception)s", "args": {"exception": exception}}

    def scraped(self, item: Any, response: Any, spider: Spider) -> Any:
        return {"level": logging.DEBUG, "msg": "Scraped %(id)s", "args": {"id": getattr(item, "id", item)}}

"""An extension that sends its own process a signal at a moment which no clock could hit."""

from __future__ import annotations

import os
import signal

from scrapy import signals
from scrapy.crawler import Crawler


class Striking:
    """Strikes at the moment that the setting STRIKE names: made, opened, idle."""

    def __init__(self, crawler: Crawler) -> None:
        moment = crawler.settings["STRIKE"]
        if moment == "made":
            self.strike()
        else:
            crawler.signals.connect(self.strike, getattr(signals, f"spider_{moment}"))

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Striking:
        return cls(crawler)

    def strike(self) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

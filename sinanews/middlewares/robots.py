"""robots.txt, and what is said where there is none."""

from __future__ import annotations

import logging

from scrapy.crawler import Crawler
from scrapy.downloadermiddlewares.robotstxt import RobotsTxtMiddleware


class TerseRobotsTxtMiddleware(RobotsTxtMiddleware):
    """Scrapy's, which logs a traceback, as an error, where a robots.txt cannot be fetched: here it is one warning."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        logging.getLogger(RobotsTxtMiddleware.__module__).addFilter(in_one_line)  # added twice it stays one


def in_one_line(record: logging.LogRecord) -> bool:
    """For a logger: errors with a traceback become warnings without."""
    if record.exc_info:
        record.msg, record.exc_info = "no robots.txt for %(request)s: %(f_exception)s", None
        record.levelno, record.levelname = logging.WARNING, "WARNING"
    return True

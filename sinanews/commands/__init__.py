"""What ``scrapy COMMAND`` runs in this project, one module a command."""

import signal
import sys

from sinanews.run.interrupts import SIGNALS, end_at_once

if sys.argv[1:2] in (["crawl"], ["run"], ["worker"]):  # Scrapy imports all the commands now, which takes a while
    for number in SIGNALS:
        signal.signal(number, end_at_once)

"""What a run shows of itself, on a terminal and without one."""

from __future__ import annotations

import os
import re
import select
import subprocess
import time

import pytest

from sinanews.samplesite import SampleSite
from tests import processes
from tests.conftest import PROJECT, TemporaryArchive

pty = pytest.importorskip("pty", reason="this system has no pseudo-terminals")
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
BAR = re.compile(r"━.* \d+(/\d+)?: (\d+ (stored|duplicate|refused|failed)(, )?)*")
LOG_LINE = re.compile(r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d \[")


class Terminal:
    """A run with standard error on a terminal of 80 columns and standard output in a pipe."""

    def __init__(self, archive: TemporaryArchive, *words: str, **settings: str) -> None:
        import fcntl
        import struct
        import termios

        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        environment = {k: v for k, v in archive.environment.items() if k != "COLUMNS"} | {"TERM": "xterm-256color"}
        process = processes.Popen(
            archive.command(*words, **settings), cwd=PROJECT, env=environment, stdout=subprocess.PIPE, stderr=theirs
        )
        os.close(theirs)
        shown = b""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and select.select([ours], [], [], 60)[0]:
            try:
                shown += os.read(ours, 65536)
            except OSError:  # Linux says so when the other side is closed
                break
        self.stdout = process.communicate(timeout=10)[0].decode()
        os.close(ours)
        self.code = process.returncode
        self.raw = shown.decode("utf-8", "replace")
        #: What was written, one entry for each line begun, without escape sequences.
        self.lines = [line.strip() for line in re.split(r"[\r\n]+", ESCAPES.sub("", self.raw)) if line.strip()]


def test_a_terminal_shows_a_bar_that_leaves_no_trace(archive: TemporaryArchive, site: SampleSite) -> None:
    shown = Terminal(archive, "crawl", "sina_finance", mirror=site.url, DOWNLOAD_DELAY="0.05")
    assert shown.code == 0
    assert len([line for line in shown.lines if BAR.search(line)]) >= 2, shown.lines
    assert [line for line in shown.lines if LOG_LINE.match(line)] == []  # LOG_LEVEL is WARNING
    assert shown.raw.rfind("\x1b[?25h") > shown.raw.rfind("\x1b[?25l") >= 0, "the cursor was not given back"
    assert re.fullmatch(r"sinanews: \d+ articles exported.*\n", shown.stdout)


def test_log_lines_stay_whole_above_the_bar(archive: TemporaryArchive, site: SampleSite) -> None:
    site.faults.set("500", [entry.id for entry in site.entries[:20]])
    shown = Terminal(archive, "crawl", "sina_finance", mirror=site.url, LOG_LEVEL="INFO", RETRY_TIMES="0")
    assert shown.code == 3
    warnings = [line for line in shown.lines if "failed (http_500)" in line]
    assert len(warnings) >= 10
    assert all(LOG_LINE.match(line) and line.endswith("HTTP status 500") for line in warnings), warnings
    refusals = [line for line in shown.lines if "refused (" in line and LOG_LINE.match(line)]
    assert refusals and all("http" in line for line in refusals), "a line longer than the terminal was broken in two"
    assert any(BAR.search(line) for line in shown.lines)
    told = " ".join(shown.lines)
    assert "Enabled item pipelines" not in told and "Dumping Scrapy stats" not in told, "that is for the log file"


def test_a_log_file_takes_the_log_and_leaves_the_bar(archive: TemporaryArchive, site: SampleSite) -> None:
    log = archive.folder / "crawl.log"
    words = ("crawl", "sina_finance", "--logfile", str(log))
    shown = Terminal(archive, *words, mirror=site.url, LOG_LEVEL="INFO", DOWNLOAD_DELAY="0.05")
    assert any(BAR.search(line) for line in shown.lines)
    assert not any(LOG_LINE.match(line) for line in shown.lines)
    assert all(told in log.read_text("utf-8") for told in ("Spider opened", "Enabled item pipelines", "Dumping Scrapy"))
    assert "━" not in log.read_text("utf-8")


def test_a_run_that_cannot_begin_gives_the_terminal_back(archive: TemporaryArchive, site: SampleSite) -> None:
    shown = Terminal(archive, "crawl", "sina_finance", "-a", "limit=0", mirror=site.url)
    assert shown.code == 2
    assert shown.raw.rfind("\x1b[?25h") >= shown.raw.rfind("\x1b[?25l")
    assert "sinanews: argument limit='0'" in shown.lines[-1]


def test_without_a_terminal_a_line_now_and_then(archive: TemporaryArchive, site: SampleSite) -> None:
    settings = {"LOG_LEVEL": "INFO", "DOWNLOAD_DELAY": "0.05", "LOGSTATS_INTERVAL": "0.2"}
    done = archive.crawl("sina_finance", mirror=site.url, **settings)
    told = re.findall(
        r"INFO: articles \d+(?:/\d+)?: (\d+) stored, \d+ duplicate, \d+ refused, \d+ failed; (\d+) a minute",
        done.stderr,
    )
    assert len(told) > 1
    assert [int(stored) for stored, _ in told] == sorted(int(stored) for stored, _ in told)
    assert any(int(rate) > 0 for _, rate in told)
    assert "\x1b" not in done.stderr and "━" not in done.stderr
    assert "pages/min" not in done.stderr


def test_quiet_says_the_last_line_only(archive: TemporaryArchive, site: SampleSite) -> None:
    environment = {**archive.environment, "SINANEWS_MIRROR": site.url, "SINANEWS_STALE": "0"}
    command = [*archive.command()[:3], "crawl", "sina_finance", "--quiet", "-s", "DOWNLOAD_DELAY=0", "-a", "limit=3"]
    command += ["-s", "AUTOTHROTTLE_ENABLED=0"]
    done = processes.run(command, cwd=PROJECT, env=environment)
    assert done.stderr == ""
    assert re.fullmatch(r"sinanews: 3 articles exported.*\n", done.stdout)
    louder = ["-L", "INFO", "-s", "SINANEWS_PROGRESS=1", "-s", "LOGSTATS_INTERVAL=0"]
    told = processes.run([*command, *louder], cwd=PROJECT, env=environment)
    assert "Spider opened" in told.stderr, "-L is the user's and wins"
    assert "a minute" not in told.stderr, "an interval of 0 means no lines"


def test_quiet_on_a_terminal_shows_no_bar_and_keeps_errors(archive: TemporaryArchive, site: SampleSite) -> None:
    assert Terminal(archive, "crawl", "sina_finance", "--quiet", mirror=site.url).lines == []
    site.faults.set("500", 1.0, where="listing")
    shown = Terminal(archive, "crawl", "sina_finance", "--quiet", mirror=site.url, RETRY_TIMES="0", LOG_LEVEL="ERROR")
    assert [line for line in shown.lines if line.strip()] == [line for line in shown.lines if "failed list" in line]
    assert not any(BAR.search(line) for line in shown.lines)

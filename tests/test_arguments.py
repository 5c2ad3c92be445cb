"""Spider arguments: what they mean, and one line for what cannot be meant."""

from __future__ import annotations

import os
import tracemalloc
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import pytest

from sinanews import arguments
from sinanews.arguments import Parser, parse_arguments, since_when
from sinanews.dates import BEIJING
from sinanews.exceptions import ArgumentError
from sinanews.spiders.seeds import existing_path
from tests.conftest import TemporaryArchive

NOW = datetime(2026, 11, 20, 1, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("parser", "text", "value"),
    [
        (arguments.names, "a, b,,", ("a", "b")),
        (arguments.positive, "20", 20),
        (arguments.flag, "1", True),
        (arguments.flag, "0", False),
        (arguments.age, "2d", timedelta(days=2)),
        (arguments.age, "24h", timedelta(hours=24)),
        (arguments.day, "2019-09-01", date(2019, 9, 1)),
        (arguments.day_or_age, "3d", timedelta(days=3)),
        (arguments.day_or_age, "2019-09-01", date(2019, 9, 1)),
        (arguments.urls, "http://Finance.sina.com.cn/a.shtml#x,https://finance.sina.com.cn/a.shtml",
         ("https://finance.sina.com.cn/a.shtml",)),
    ],
)  # fmt: skip
def test_values(parser: Parser, text: str, value: object) -> None:
    assert parse_arguments({"x": parser}, {"x": text}) == {"x": value}


@pytest.mark.parametrize(
    ("parser", "text"),
    [
        (arguments.names, " , "),
        (arguments.positive, "0"),
        (arguments.positive, "-1"),
        (arguments.positive, "1.5"),
        (arguments.positive, "9" * 5000),
        (arguments.flag, "yes"),
        (arguments.age, "2w"),
        (arguments.age, "999999d"),
        (arguments.day, "2019-02-30"),
        (arguments.day, "01.09.2019"),
        (arguments.day, "0001-01-01"),
        (arguments.day, "9999-12-31"),
        (arguments.day_or_age, "yesterday"),
        (arguments.urls, "ftp://finance.sina.com.cn/a"),
        (arguments.urls, "@/no/such/file"),
    ],
)
def test_bad_values_are_one_line_that_names_the_argument(parser: Parser, text: str) -> None:
    with pytest.raises(ArgumentError, match="x=") as error:
        parse_arguments({"x": parser}, {"x": text})
    assert "\n" not in str(error.value)


def test_an_unknown_name_is_told_with_what_is_allowed() -> None:
    with pytest.raises(ArgumentError, match=r"'colour'.*limit, since"):
        parse_arguments({"limit": arguments.positive, "since": arguments.day}, {"colour": "red"})


def test_urls_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "urls").write_text("\ufeff# mine\nhttps://finance.sina.com.cn/a.shtml\n\n", "utf-8")
    assert arguments.urls(f"@{tmp_path / 'urls'}") == ("https://finance.sina.com.cn/a.shtml",)


@pytest.mark.skipif(os.name != "posix", reason="devices, pipes and links are POSIX")
@pytest.mark.parametrize(
    "name", ["/dev/zero", "/dev/tty", "pipe", "device", "folder", "", " ", "~nobody-of-this-name/x", "a" * 5000, "a\0b"]
)
def test_a_file_that_an_argument_names_is_ordinary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    Path("device").symlink_to("/dev/zero")
    Path("folder").mkdir()
    for parser, text in ((arguments.urls, f"@{name}"), (existing_path, name)):
        if (parser, name) == (existing_path, "folder"):
            continue
        with pytest.raises(ArgumentError, match="argument x=") as error:
            parse_arguments({"x": parser}, {"x": text})
        assert "\n" not in str(error.value)


def test_a_file_that_an_argument_names_is_bounded(tmp_path: Path) -> None:
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(1 << 40)  # a hole: it takes no room on disk
    tracemalloc.start()
    with pytest.raises(ArgumentError, match="more than 16777216 bytes"):
        arguments.urls(f"@{tmp_path / 'huge'}")
    assert tracemalloc.get_traced_memory()[1] < 100 << 20
    tracemalloc.stop()


def test_an_empty_path_is_told_what_to_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ArgumentError, match="path='': empty; write a folder or a file"):
        parse_arguments({"path": existing_path}, {"path": ""})


@pytest.mark.skipif(os.name != "posix", reason="links are POSIX")
def test_a_link_that_an_argument_names_is_meant(tmp_path: Path) -> None:
    (tmp_path / "urls").write_text("https://finance.sina.com.cn/a.shtml", "utf-8")
    (tmp_path / "link").symlink_to(tmp_path / "urls")
    assert arguments.urls(f"@{tmp_path / 'link'}") == ("https://finance.sina.com.cn/a.shtml",)
    assert existing_path(str(tmp_path / "link")) == (tmp_path / "urls").resolve()


def test_since_is_a_day_of_beijing_or_so_long_ago() -> None:
    assert since_when(date(2026, 11, 1), NOW) == datetime(2026, 11, 1, tzinfo=BEIJING)
    assert since_when(timedelta(hours=24), NOW) == NOW - timedelta(days=1)


def test_no_age_reaches_back_before_sina() -> None:
    assert since_when(arguments.age("99999d"), NOW) == datetime(1998, 1, 1, tzinfo=BEIJING)


def test_a_bad_argument_is_one_line_and_code_2_of_the_command(archive: TemporaryArchive) -> None:
    done = archive.run("crawl", "sina_finance", "-a", "limit=x")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "sinanews: argument limit='x': not a whole number from 1 to 999999999\n"

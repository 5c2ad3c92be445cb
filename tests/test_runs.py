"""A run is whole by itself: whoever runs the spider, it leaves the same rows, posts, record and free lock."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

from sinanews.samplesite import SampleSite
from tests.conftest import PROJECT, TemporaryArchive
from tests.runners import crawl_under

#: Columns that tell when and by which process, not what.
WHEN = {"recorded_at", "first_seen_at", "exported_at", "next_try_at", "fetched_at", "listed_at", "answered_at"}


def rows(archive: TemporaryArchive, name: str) -> list[dict[str, Any]]:
    columns = [str(row[1]) for row in archive.query(f"PRAGMA table_info({name})")]
    found = [dict(zip(columns, row, strict=True)) for row in archive.query(f"SELECT * FROM {name} ORDER BY 1, 2")]
    return [{k: v for k, v in row.items() if k not in WHEN and "digest" not in k} for row in found]


def left(archive: TemporaryArchive) -> dict[str, Any]:
    """All that a run leaves, without what differs each time."""
    posts = {path.relative_to(archive.exports).as_posix(): path.read_bytes() for path in archive.posts}
    runs = "SELECT spider, arguments, outcome, exit_code, findings, counts FROM runs ORDER BY id"
    with archive.locked("sina_finance").acquire(timeout=0):
        return {"articles": rows(archive, "articles"), "runs": archive.query(runs), "posts": posts}


@pytest.fixture(scope="module")
def faulty() -> Any:
    """Some of its articles are gone, some fail, so that counts, findings and outcome have something to say."""
    with SampleSite(articles=24, faults={"500": 0.3, "deleted": 0.1}) as site:
        yield site


#: One request after the other: of two copies the same one comes first each time.
SETTINGS = {"RETRY_TIMES": "0", "CONCURRENT_REQUESTS": "1"}


@pytest.fixture(scope="module")
def expected(faulty: SampleSite, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What ``scrapy crawl`` leaves, the first time and the second."""
    archive = TemporaryArchive(tmp_path_factory.mktemp("command"))
    told = [archive.crawl("sina_finance", mirror=faulty.url, **SETTINGS) for _ in range(2)]
    assert [done.returncode for done in told] == [code for *_, code in archive.query("SELECT exit_code FROM runs")]
    first = TemporaryArchive(tmp_path_factory.mktemp("first"))
    first.crawl("sina_finance", mirror=faulty.url, **SETTINGS)
    return {"once": left(first), "twice": left(archive), "lines": [(d.stdout + d.stderr).splitlines() for d in told]}


@pytest.fixture
def alert(tmp_path: Path) -> tuple[str, Path]:
    """An alert command, and the file that it writes each message to."""
    told = tmp_path / "told.jsonl"
    script = f"import sys; open({str(told)!r}, 'a').write(sys.stdin.read() + chr(10))"
    return shlex.join([sys.executable, "-c", script]), told


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """Another project that has our spiders by the add-on, and nothing else of ours."""
    folder = tmp_path / "elsewhere"
    (folder / "elsewhere").mkdir(parents=True)
    (folder / "scrapy.cfg").write_text("[settings]\ndefault = elsewhere.settings\n")
    (folder / "elsewhere" / "__init__.py").write_text("")
    lines = 'SPIDER_MODULES = ["sinanews.spiders"]\nADDONS = {"sinanews.addon.ArchiveAddon": 300}\n'
    (folder / "elsewhere" / "settings.py").write_text(lines)
    return folder


@pytest.mark.parametrize("how", ["CrawlerProcess", "AsyncCrawlerRunner", "twice in a process", "another project"])
def test_every_runner_leaves_the_same(
    archive: TemporaryArchive,
    faulty: SampleSite,
    expected: dict[str, Any],
    alert: tuple[str, Path],
    foreign: Path,
    how: str,
) -> None:
    command, told = alert
    runner = "AsyncCrawlerRunner" if how == "another project" else how
    project = foreign if how == "another project" else PROJECT
    ended = crawl_under(
        runner,
        archive,
        "sina_finance",
        mirror=faulty.url,
        project=project,
        SINANEWS_ALERT_COMMAND=command,
        **SETTINGS,
    )
    wanted = expected["twice" if how == "twice in a process" else "once"]
    found = left(archive)
    for part in wanted:
        assert found[part] == wanted[part], part
    assert all(ended.unlocked)
    assert list(zip(ended.outcomes, ended.codes, strict=True)) == [run[2:4] for run in wanted["runs"]]
    for line, printed in zip(ended.lines, expected["lines"], strict=False):
        assert f"sinanews: {line}" in printed, "the command prints it"
        assert f"INFO: {line}" in ended.log, "and the log has it where no command does"
    messages = [json.loads(line) for line in told.read_text("utf-8").splitlines()]
    assert [m["line"] for m in messages] == ended.lines and {m["spider"] for m in messages} == {"sina_finance"}


def test_the_command_says_its_last_line_once(archive: TemporaryArchive, site: SampleSite) -> None:
    done = archive.crawl("sina_finance", mirror=site.url, LOG_LEVEL="INFO")
    assert (done.stdout + done.stderr).count("all that was wanted is stored") == 1


@pytest.mark.parametrize("runner", ["CrawlerProcess", "AsyncCrawlerRunner"])
def test_a_run_that_may_not_begin_says_so_under_every_runner(archive: TemporaryArchive, runner: str) -> None:
    archive.exports.mkdir()
    with archive.locked("seeds"):
        ended = crawl_under(runner, archive, "seeds")
    assert ended.outcomes == ["locked"] and ended.codes == [7]
    assert archive.posts == []

"""The schedule: its rows, their times, and entries that cron and systemd really run."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sinanews import jobs
from sinanews.commands.schedule import Place, crontab, systemd, timetable
from sinanews.exceptions import ArgumentError
from sinanews.jobs import JOBS, Job, checked_cron, next_time, on_calendar, parse_jobs
from sinanews.samplesite import SampleSite
from tests import processes
from tests.conftest import PROJECT, TemporaryArchive

ROW = {"name": "china", "cron": "7 * * * *", "spider": "sina_finance"}
#: A folder name that shells, cron and systemd each read in their own way.
AWKWARD = 'a b 50% $HOME\'s "x"'


# --- rows --------------------------------------------------------------------------------------------------


def test_rows_come_as_dicts_or_as_json() -> None:
    rows = [{**ROW, "cron": " 7  * * * * ", "arguments": {"limit": 20, "recheck": True}}]
    wanted = (Job("china", "7 * * * *", "sina_finance", {"limit": "20", "recheck": "1"}),)
    assert parse_jobs(rows) == parse_jobs(json.dumps(rows)) == wanted
    assert parse_jobs("") == parse_jobs([]) == JOBS


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("{", "no JSON"),
        ('{"name": "china"}', "no list"),
        ([ROW, {"name": "x"}], "row 2 ('x'): not of the form"),
        ([{**ROW, "when": "now"}], "row 1 ('china'): not of the form"),
        ([ROW, ROW], "row 2 ('china'): the name is that of another row"),
        ([{**ROW, "name": "../x"}], "row 1 ('../x'): a name has"),
        ([{**ROW, "arguments": {"limit": None}}], "row 1 ('china'): arguments are"),
        ([{**ROW, "arguments": ["limit=2"]}], "row 1 ('china'): arguments are"),
        ([{**ROW, "cron": "60 * * * *"}], "Bad minute"),
        ([{**ROW, "cron": "7 * * *"}], "not five fields"),
        ([{**ROW, "cron": "0 0 0 * * *"}], "not five fields"),
        ([{**ROW, "cron": "@hourly"}], "not five fields"),
        ([{**ROW, "cron": "5/15 * * * *"}], "not five fields"),  # Debian's cron refuses the crontab
        ([{**ROW, "cron": "0 0 L * *"}], "not five fields"),
        ([{**ROW, "cron": "0 0 31 2 *"}], "Bad day-of-month"),
        ([{**ROW, "cron": "0 0\n* * * *\n0 0"}], "not five fields"),
        ([{**ROW, "cron": 7}], "not five fields"),
    ],
)
def test_a_bad_row_is_named_in_one_line_with_what_to_write(setting: object, words: str) -> None:
    with pytest.raises(ArgumentError, match=re.escape(words)) as caught:
        parse_jobs(setting)
    assert str(caught.value).startswith("SINANEWS_JOBS")
    assert "\n" not in str(caught.value)


def told(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("SINANEWS_")} | environment
    return processes.run([sys.executable, "-m", "scrapy", *words], cwd=PROJECT, env=clean)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({**ROW, "spider": "nobody"}, "job 'china': there is no spider 'nobody'; there are: "),
        ({**ROW, "arguments": {"chanels": "all"}}, "job 'china': unknown argument 'chanels'"),
        ({**ROW, "cron": "x"}, "row 1 ('china'): cron 'x'"),
    ],
)
def test_a_job_that_could_not_run_is_told_before_the_night(row: object, words: str) -> None:
    done = told("schedule", SINANEWS_JOBS=json.dumps([row]))
    assert done.returncode == 2
    assert done.stdout == ""
    assert words in done.stderr and done.stderr.count("\n") == 1


def test_the_schedule_is_a_table_of_all_jobs() -> None:
    done = told("schedule")
    assert done.returncode == 0, done.stderr
    assert "scrapy crawl sina_finance -a channels=all -a refresh=2d" in done.stdout
    assert [line.split()[0] for line in done.stdout.splitlines()[1 : len(JOBS) + 1]] == [job.name for job in JOBS]


# --- times -------------------------------------------------------------------------------------------------


def test_times_are_shown_in_beijing_and_in_the_machines_zone_where_they_differ() -> None:
    job = Job("x", "30 9 * * *", "seeds")
    now = datetime(2026, 7, 1, 12, tzinfo=timezone.utc)
    text = "\n".join(timetable([job], now, ZoneInfo("America/New_York")))
    assert "Wed 2026-07-01 21:30" in text and "Wed 2026-07-01 09:30 EDT" in text
    assert "now 08:00 EDT (UTC-0400)" in text
    assert "THIS MACHINE" not in "\n".join(timetable([job], now, ZoneInfo("Asia/Shanghai")))
    assert "Thu 2026-07-02 09:30" in "\n".join(timetable([job], now, ZoneInfo("Asia/Shanghai")))


def test_the_machines_zone_is_not_that_of_the_shell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    zone_file = Path("/usr/share/zoneinfo/Europe/Berlin")
    if not zone_file.exists():
        pytest.skip("no zone files on this system")
    monkeypatch.setattr(jobs, "LOCALTIME", zone_file)
    text = "\n".join(timetable([Job("x", "0 9 * * *", "seeds")], datetime(2026, 7, 1, tzinfo=timezone.utc)))
    assert "09:00 CEST" in text and "15:00" in text
    assert "TZ=Asia/Tokyo of this shell is not considered" in text


def test_clocks_going_back_or_forth_lose_no_job() -> None:
    zone = ZoneInfo("America/New_York")
    back = datetime(2026, 11, 1, 5, 20, tzinfo=timezone.utc).astimezone(zone)  # 01:20, the first of two
    hourly, starts = Job("x", "7 * * * *", "seeds"), []
    for _ in range(4):
        back = next_time(hourly, back)
        starts.append(back.astimezone(timezone.utc))
    assert all(a < b <= a + timedelta(hours=2) for a, b in pairwise(starts))
    forth = next_time(Job("x", "30 2 * * *", "seeds"), datetime(2026, 3, 8, 1, tzinfo=zone))  # there is no 02:30
    assert forth.astimezone(timezone.utc) == datetime(2026, 3, 8, 7, tzinfo=timezone.utc)


def cron_field(low: int, high: int) -> st.SearchStrategy[str]:
    number = st.integers(low, high)
    between = st.tuples(number, number).map(lambda p: f"{min(p)}-{max(p)}")
    step = st.integers(1, 12)
    term = st.one_of(number.map(str), between, st.tuples(between, step).map(lambda p: f"{p[0]}/{p[1]}"))
    every = st.one_of(st.just("*"), step.map(lambda n: f"*/{n}"))
    return st.one_of(every, st.lists(term, min_size=1, max_size=3).map(",".join))


CRONS = st.tuples(cron_field(0, 59), cron_field(0, 23), cron_field(1, 31), cron_field(1, 12), cron_field(0, 7))


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd-analyze here")
@settings(max_examples=int(os.environ.get("SINANEWS_EXAMPLES", 40)), deadline=None)
@given(cron=CRONS.map(" ".join), start=st.datetimes(datetime(2025, 1, 1), datetime(2030, 1, 1)))
def test_systemd_means_the_times_that_cron_means(cron: str, start: datetime) -> None:
    now = start.replace(second=30, microsecond=0, tzinfo=timezone.utc)
    try:
        job = Job("x", checked_cron(cron), "seeds")
    except ArgumentError:
        assume(False)  # such as the 31st of February
    ours = [next_time(job, now)]
    while len(ours) < 3:
        ours.append(next_time(job, ours[-1]))
    theirs: set[str] = set()
    for line in on_calendar(job.cron):
        command = ["systemd-analyze", "calendar", "--iterations=3", f"--base-time={now:%Y-%m-%d %H:%M:%S} UTC", line]
        done = subprocess.run(command, env={"TZ": "UTC", "PATH": os.environ["PATH"]}, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        theirs |= set(re.findall(r"(?:elapse|#\d+): \w{3} (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC", done.stdout))
    assert sorted(theirs)[:3] == [f"{t:%Y-%m-%d %H:%M:%S}" for t in ours]


# --- entries -----------------------------------------------------------------------------------------------


def bare_cron(lines: list[str], home: Path) -> list[subprocess.CompletedProcess[str]]:
    """Run crontab lines as cron does: its few variables, those of the crontab, ``%`` unescaped, /bin/sh."""
    environment = {"HOME": str(home), "PATH": "/usr/bin:/bin", "SHELL": "/bin/sh", "LOGNAME": "somebody"}
    done = []
    for line in lines:
        if match := re.fullmatch(r"(\w+)=(.*)", line):
            value = match[2]
            environment[match[1]] = value[1:-1] if value[:1] in ("'", '"') and value[-1:] == value[:1] else value
        elif not line.startswith("#"):
            command = line.split(maxsplit=5)[5]
            assert not re.search(r"(?<!\\)%", command), "cron ends the command at %"
            words = ["/bin/sh", "-c", command.replace(r"\%", "%")]
            done.append(subprocess.run(words, cwd=home, env=environment, capture_output=True, text=True, check=False))
    return done


def entries(archive: TemporaryArchive, site: SampleSite, form: str, cron: str = "* * * * *") -> list[str]:
    """What ``scrapy schedule`` prints for two jobs, in a folder of an awkward name."""
    folder = archive.folder / AWKWARD
    archive.exports, archive.database = folder / "exports", folder / "catalogue.db"
    folder.mkdir(exist_ok=True)
    jobs = [
        {**ROW, "name": "good", "cron": cron, "arguments": {"limit": 3}},
        {**ROW, "name": "posts", "cron": cron, "spider": "seeds", "arguments": {"path": str(PROJECT / "seeds")}},
    ]
    environment = archive.environment | {"SINANEWS_JOBS": json.dumps(jobs), "SINANEWS_CONTACT": "'half a quote"}
    command = archive.command("schedule", form, mirror=site.url, RETRY_TIMES="0")
    done = processes.run(command, cwd=PROJECT, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.skipif(os.name != "posix", reason="cron is of POSIX systems")
def test_crontab_lines_run_in_crons_bare_environment(archive: TemporaryArchive, site: SampleSite) -> None:
    lines = entries(archive, site, "--crontab")
    good, other = bare_cron(lines, archive.folder)
    assert (good.stdout, good.stderr, good.returncode) == ("", "", 0), "cron would mail what is printed"
    log = archive.exports / ".logs" / "good.log"
    assert re.match(r"sinanews: 3 articles exported", log.read_text("utf-8").splitlines()[-1])
    assert len(archive.posts) == 4 and (archive.exports / ".logs" / "posts.log").exists() and other.returncode == 0
    site.stop()
    before = log.read_text("utf-8")
    (failed,) = bare_cron(lines[:-1], archive.folder)
    assert re.fullmatch(r"sinanews: good ended with code 4; see \S.*good\.log\n", failed.stdout)
    assert log.read_text("utf-8").startswith(before), "the log is appended to"


@pytest.mark.skipif(not shutil.which("crontab"), reason="no crontab here")
def test_cron_itself_takes_the_crontab(archive: TemporaryArchive, site: SampleSite) -> None:
    file = archive.folder / "tab"
    file.write_text("\n".join(entries(archive, site, "--crontab", "*/15 1-5/2,7 1 JAN-MAR Mon-Fri")) + "\n", "utf-8")
    done = subprocess.run(["crontab", "-n", str(file)], capture_output=True, text=True, check=False)
    if "invalid option" in done.stderr:
        pytest.skip("this crontab cannot check a file without installing it")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("value", ["x" * 2000, "two\nlines", "'\" "])
def test_what_a_crontab_cannot_hold_is_told(value: str) -> None:
    place = Place(Path("/p"), ("/p/scrapy",), Path("/p/logs"), {"SINANEWS_CONTACT": value})
    with pytest.raises(ArgumentError, match=r"sinanews/settings\.py"):
        crontab(JOBS, place)


def test_the_systemd_script_installs_units_that_systemd_accepts(
    archive: TemporaryArchive, site: SampleSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)  # as root it would write to /etc
    project = archive.folder / "a b 50% $HOME"  # quotes in the path of a program are beyond systemd
    project.mkdir()
    scrapy = project / "scrapy"
    scrapy.write_text("#!/bin/sh\n", "utf-8")
    scrapy.chmod(0o755)
    jobs = [*JOBS, Job("either", "0 0 1 * 1", "seeds")]
    script = systemd(jobs, Place(project, (str(scrapy),), project / "logs", {"LANG": "C.UTF-8", "X": AWKWARD}))
    tools = archive.folder / "bin"
    tools.mkdir()
    (tools / "systemctl").write_text('#!/bin/sh\necho "$@" >> "$HOME/called"\n', "utf-8")
    (tools / "systemctl").chmod(0o755)
    environment = {"HOME": str(archive.folder), "PATH": f"{tools}:/usr/bin:/bin"}
    subprocess.run(["sh"], input="\n".join(script), env=environment, text=True, check=True)
    units = archive.folder / ".config/systemd/user"
    assert {p.name for p in units.iterdir()} == {"sinanews@.service"} | {f"sinanews@{j.name}.timer" for j in jobs}
    assert (project / "logs").is_dir()
    called = (archive.folder / "called").read_text("utf-8").splitlines()
    assert called[0] == "--user daemon-reload" and called[1].startswith("--user enable --now sinanews@china.timer")
    if not shutil.which("systemd-analyze"):
        pytest.skip("no systemd-analyze here")
    instance = units / "sinanews@china.service"
    shutil.copy(units / "sinanews@.service", instance)
    files = [str(instance), *map(str, units.glob("*.timer"))]
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *files], capture_output=True, text=True, check=False
    )
    assert [line for line in done.stderr.splitlines() if "sinanews" in line or "a b" in line] == []


@pytest.mark.skipif(not os.environ.get("SINANEWS_REAL_CRON"), reason="a minute long; set SINANEWS_REAL_CRON=1")
def test_a_real_cron_daemon_runs_the_crontab(archive: TemporaryArchive, site: SampleSite) -> None:
    daemon = shutil.which("cron") or shutil.which("crond")
    if daemon is None or os.geteuid() != 0:
        pytest.skip("needs cron, and root to start it")
    if subprocess.run(["crontab", "-l"], capture_output=True).returncode == 0:
        pytest.skip("there is a crontab that this test would replace")
    lines = entries(archive, site, "--crontab")
    told_by_cron = archive.folder / "told"
    lines = [f"{line} >> {shlex.quote(str(told_by_cron))}" if " run " in line else line for line in lines]
    subprocess.run(["crontab", "-"], input="\n".join(lines) + "\n", text=True, check=True)
    running = subprocess.Popen([daemon, "-f"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    log = archive.exports / ".logs" / "good.log"
    try:
        deadline = time.monotonic() + 100
        while time.monotonic() < deadline and not (log.exists() and "sinanews: " in log.read_text("utf-8")):
            time.sleep(1)
        assert running.poll() is None, "another cron is running"
    finally:
        subprocess.run(["crontab", "-r"], check=True)
        running.terminate()
        running.wait(10)
    assert re.match(r"sinanews: 3 articles exported", log.read_text("utf-8").splitlines()[-1])
    assert [code for (code,) in archive.query("SELECT exit_code FROM runs WHERE spider = 'sina_finance'")] == [0]
    assert not told_by_cron.exists() or "good ended" not in told_by_cron.read_text("utf-8")


# --- one job -----------------------------------------------------------------------------------------------


def test_run_is_crawl_with_the_jobs_arguments(archive: TemporaryArchive, site: SampleSite) -> None:
    jobs = json.dumps([{**ROW, "arguments": {"limit": 2}}])
    done = archive.run("run", "china", mirror=site.url, SINANEWS_JOBS=jobs)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"sinanews: 2 articles exported.*\n", done.stdout)
    more = archive.run("run", "china", "-a", "limit=4", mirror=site.url, SINANEWS_JOBS=jobs)
    assert re.fullmatch(r"sinanews: 4 articles exported.*\n", more.stdout)
    site.faults.set("500", 1.0, where="listing")
    failed = archive.run("run", "china", mirror=site.url, SINANEWS_JOBS=jobs, RETRY_TIMES="0")
    assert failed.returncode == archive.run("crawl", "sina_finance", mirror=site.url, RETRY_TIMES="0").returncode != 0


@pytest.mark.parametrize(
    ("words", "message"),
    [(["nightly"], "there is no job 'nightly'; there are: china, all, refresh"), ([], "name one job")],
)
def test_an_unknown_job_is_one_line_and_code_2(words: list[str], message: str) -> None:
    done = told("run", *words)
    assert done.returncode == 2
    assert message in done.stderr and "Traceback" not in done.stderr

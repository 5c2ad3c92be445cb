"""Real saved pages behind a mirror that is not the sample site. Skipped where the pages are not at hand."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.conftest import SHARED, TemporaryArchive


class SavedSite:
    """Serves the corpus in the shape of a mirror: a roll API over listing.json, and the pages as saved."""

    def __init__(self, corpus: Path) -> None:
        listing = json.loads((corpus / "listing.json").read_text("utf-8"))
        self.pages = {row["url"].split("://")[1]: (corpus / row["file"]).read_bytes() for row in listing}
        nothing = {"docid": "", "intime": "", "mtime": "", "keywords": "", "img": []}
        self.entries = [
            {
                **nothing,
                "ctime": str(row["ctime"]),
                **{name: row.get(name, "") for name in ("url", "title", "media_name")},
            }
            for row in sorted(listing, key=lambda row: -row["ctime"])
        ]
        self.asked: list[str] = []

    def answer(self, path: str) -> tuple[int, bytes, str]:
        self.asked.append(path)
        parts = urlsplit(path)
        if parts.path.endswith("/api/roll/get"):
            page = int(parse_qs(parts.query)["page"][0])
            data = self.entries if page == 1 else []
            result = {"status": {"code": 0, "msg": "succ"}, "total": len(self.entries), "lid": 1686, "data": data}
            return 200, json.dumps({"result": result}).encode(), "application/json"
        body = self.pages.get(parts.path.lstrip("/"))
        return (200, body, "text/html") if body is not None else (404, b"not here", "text/plain")


@pytest.fixture
def saved_site(corpus: Path) -> Iterator[tuple[SavedSite, str]]:
    site = SavedSite(corpus)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body, kind = site.answer(self.path)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield site, f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_real_pages_are_read_as_a_careful_reader_would(
    archive: TemporaryArchive, saved_site: tuple[SavedSite, str]
) -> None:
    site, url = saved_site
    done = archive.crawl("sina_finance", "-O", str(archive.feed), mirror=url)
    assert done.returncode == 0, done.stderr
    scorer = [sys.executable, str(SHARED / "tools/score_extraction.py"), str(archive.feed), str(SHARED / "corpus/gold")]
    scored = subprocess.run([*scorer, "--min-f1", "0.995", "--each"], capture_output=True, text=True, check=False)
    assert scored.returncode == 0, scored.stdout
    assert "not extracted 0" in scored.stdout, scored.stdout
    assert "boilerplate strings 0" in scored.stdout, scored.stdout
    assert "wrong" not in scored.stdout and "missing" not in scored.stdout, scored.stdout
    assert len(archive.posts) == len(site.entries)
    site.asked.clear()
    assert archive.crawl("sina_finance", mirror=url).returncode == 0
    assert [path for path in site.asked if "robots.txt" not in path and "/api/roll/get" not in path] == []

"""Opens pages in a headless Chromium and tells what ran and what stands in them."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
#: Goes into each page before anything of it runs; payloads call alert.
CANARY = "<script>window.ran=[];window.alert=window.confirm=window.prompt=(...a)=>{window.ran.push(String(a))}</script>"
HARNESS = """<!DOCTYPE html><meta charset=utf-8><pre id=told></pre><script>
const pages = %s, told = [];
function look(page, frame) {
  const doc = frame.contentDocument, main = doc.querySelector('main');
  if (!main) return {page, lost: true};
  const elements = [...main.querySelectorAll('*')], events = ['mouseover', 'focus', 'click', 'load', 'error', 'toggle'];
  for (const e of elements) for (const n of events) if (e.localName != 'a') e.dispatchEvent(new Event(n));
  return {page, title: doc.title, text: main.textContent, ran: frame.contentWindow.ran,
    elements: [...new Set(elements.map(e => e.localName))],
    attributes: [...new Set(elements.flatMap(e => e.getAttributeNames()))],
    urls: elements.flatMap(e => [e.href, e.src, e.srcset, e.action, e.data, e.poster].filter(Boolean).map(String))};
}
(async () => {
  for (const page of pages) {
    const frame = document.createElement('iframe');
    await new Promise(done => { frame.onload = done; frame.src = page; document.body.append(frame); setTimeout(done, 3000); });
    await new Promise(done => setTimeout(done, 20));
    try { told.push(look(page, frame)); } catch (error) { told.push({page, lost: String(error)}); }
    frame.remove();
  }
  document.getElementById('told').textContent = JSON.stringify(told);
})();
</script>"""


def open_pages(pages: Sequence[Path], harness: Path) -> list[dict[str, Any]]:
    """What Chromium sees in the ``<main>`` of each page: title, text, elements, attributes, URLs, and what ran."""
    assert CHROMIUM is not None
    for page in pages:
        text = page.read_text("utf-8")
        assert "<head>" in text
        page.write_text(text.replace("<head>", "<head>" + CANARY, 1), "utf-8")
    harness.write_text(HARNESS % json.dumps([page.as_uri() for page in pages]), "utf-8")
    command = [
        CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files", "--no-first-run",
        "--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={harness.parent / 'profile'}", "--timeout=100000",
        "--virtual-time-budget=600000", "--dump-dom", harness.as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=150, check=True)
    found = re.search(r'<pre id="told">(.*?)</pre>', done.stdout, re.DOTALL)
    assert found and found[1], "the browser did not come to the end"
    told: list[dict[str, Any]] = json.loads(html.unescape(found[1]))
    return told

"""What local posts cost: a first run over many, and a second one that finds each as it was.

    python benchmarks/seeds.py [--posts N]

Processor seconds of the whole command, and the most memory that it had. The posts are of about 1,500 characters.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from archive import cost_of_command
from dedup import LETTERS


def write(folder: Path, number: int, rng: random.Random) -> None:
    words = ["".join(rng.choices(LETTERS, k=rng.choice((1, 2, 2, 3)))) for _ in range(8000)]
    for n in range(number):
        paragraphs = ["".join(rng.choices(words, k=30)) + "，" + "".join(rng.choices(words, k=30)) for _ in range(12)]
        body = "\n".join(f"<p>　　{paragraph}。</p>" for paragraph in paragraphs)
        place = folder / f"{n // 1000:03}"
        place.mkdir(parents=True, exist_ok=True)
        head = f"---\ntitle: '{words[n % 8000]}{n}'\ndate: 2026-11-{n % 20 + 1:02} 09:{n % 60:02}:00\n---\n"
        (place / f"{n:06}.md").write_text(f"{head}<div>   \n{body}  \n</div>\n", "utf-8")


def measure(number: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        posts, exports = Path(folder, "posts"), Path(folder, "exports")
        write(posts, number, random.Random(1))
        words = ["crawl", "seeds", "-a", f"path={posts}", "--quiet"]
        first, second = cost_of_command(exports, *words), cost_of_command(exports, *words)
        made = sum(1 for _ in exports.rglob("*.md"))
        assert made == number, f"{made} posts of {number}"
    return {
        "first_ms_a_post": first["s"] / number * 1000, "first_mb": first["mb"],
        "second_s": second["s"], "second_mb": second["mb"], "times_faster": first["s"] / second["s"],
    }  # fmt: skip


def summary(full: bool) -> dict[str, float]:
    return measure(100_000 if full else 5000)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--posts", type=int, default=5000)
    for name, value in measure(parser.parse_args().posts).items():
        print(f"{name:24}{value:10.2f}")


if __name__ == "__main__":
    main()

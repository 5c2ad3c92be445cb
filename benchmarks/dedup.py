"""How well and how fast copies are found: `python benchmarks/dedup.py [--sizes 10000,100000,1000000] [--texts DIR]`.

Without --texts the articles are made up from invented words; the figures that count come from real ones
(*.txt, an article each, a paragraph a line). Every figure is of duplicates/ as it is.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from sinanews.duplicates import index as stories
from sinanews.duplicates.fingerprint import KEYS, LEAD_HASHES, NUMBERS, SHINGLES, Sketch, compare, sketch

LETTERS = [chr(code) for code in range(0x4E00, 0x4E00 + 2500)]
EDITOR_LINES = ("（责任编辑：某某 AB0{0}）", "本报记者 某某 9月{0}日报道", "来源：某某日报 2023-09-{0}", "编者按：{1}")
#: Notices of one form each: @ a name, & a day, # a number.
NOTICES = (
    "截至&收盘，沪指报#点，跌#%；深成指报#点，跌#%；创业板指报#点，跌#%。两市成交额不足万亿元，北向资金净流出逾30亿元。"
    "盘面上，个股跌多涨少，下跌个股超3000只，@、@等板块涨幅居前，@、@等板块跌幅居前。",
    "@（#）&晚间公告，公司股东@计划自公告之日起15个交易日后的6个月内，以集中竞价方式减持公司股份不超过#万股，即不超过公司"
    "总股本的#%。减持原因为自身资金需求。截至公告日，该股东持有公司股份#万股，占公司总股本的#%。",
    "人民银行公告，为维护银行体系流动性合理充裕，&人民银行以利率招标方式开展了#亿元逆回购操作，期限为7天，中标利率为1.8%。"
    "数据显示，当日有#亿元逆回购到期。业内人士指出，央行呵护市场流动性的态度明显，资金面整体平稳。",
    "根据查询数据显示@新获得一项发明专利授权，专利名为“一种@装置”，专利申请号为CN#，授权日为2023年&。今年以来@新获得专利"
    "授权#个，较去年同期增加了#%。结合公司2023年中报财务数据，上半年公司在研发方面投入了#亿元，同比增#%。以上内容由算法生成。",
)
_WORD = re.compile(r"[a-zA-Z]+|.", re.DOTALL)
Edit = Callable[[str, list[str], random.Random], str]


# --- texts -------------------------------------------------------------------------------------------------


def made_up(count: int, rng: random.Random) -> list[str]:
    """Articles of 200 to 3,000 characters from 6,000 invented words, some far more frequent than others."""
    words = ["".join(rng.choices(LETTERS, k=rng.choice((1, 2, 2, 2, 3, 4)))) for _ in range(6000)]
    weights = [1 / (rank + 10) for rank in range(len(words))]

    def clause() -> str:
        number = f"{rng.uniform(1, 9000):.{rng.randrange(3)}f}{rng.choice(('%', '亿元', '万股', '年', '家'))}"
        return "".join(rng.choices(words, weights, k=rng.randint(3, 9))) + (number if rng.random() < 0.3 else "")

    def sentence() -> str:
        return "，".join(clause() for _ in range(rng.randint(1, 5))) + "。"

    def article(size: int) -> str:
        text = ""
        while len(text) < size:
            text += sentence() + ("\n" if rng.random() < 0.3 else "")
        return text

    return [article(rng.randint(200, 3000)) for _ in range(count)]


def read_texts(folder: Path) -> list[str]:
    texts = (path.read_text("utf-8").strip()[:3000] for path in sorted(folder.glob("*.txt")))
    return [text for text in texts if len(text) >= 200]


def reports(count: int, rng: random.Random) -> list[str]:
    """Daily market reports: a company's numbers of the quarter stay for days, its price and flows do not."""
    firms = [("".join(rng.choices(LETTERS, k=4)), f"{rng.randrange(600000, 605000)}", rng.random()) for _ in range(60)]

    def number(high: float, places: int = 2) -> str:
        return f"{rng.uniform(0.1, high):.{places}f}"

    def report(serial: int) -> str:
        name, code, seed = firms[serial % len(firms)]
        day = f"{serial // len(firms) % 12 + 1}月{serial // len(firms) % 28 + 1}日"
        fixed = random.Random(seed)
        quarter = [f"{fixed.uniform(0.1, 90):.2f}" for _ in range(9)]
        return (
            f"截至2023年{day}收盘，{name}（{code}）报收于{number(80)}元，较前一日变动{number(9)}%，换手率{number(9)}%，"
            f"成交量{number(90)}万手，成交额{number(50)}亿元。\n{day}的资金流向数据方面，主力资金净流入{number(9000)}万元，"
            f"占总成交额{number(30)}%，游资资金净流出{number(5000)}万元，占总成交额{number(20)}%，散户资金净流出"
            f"{number(3000)}万元，占总成交额{number(20)}%。\n{name}2023年中报显示，公司主营收入{quarter[0]}亿元，同比变动"
            f"{quarter[1]}%；归母净利润{quarter[2]}亿元，同比变动{quarter[3]}%；扣非净利润{quarter[4]}亿元；负债率{quarter[5]}%，"
            f"投资收益{quarter[6]}万元，财务费用{quarter[7]}万元，毛利率{quarter[8]}%。\n该股最近90天内共有5家机构给出评级。"
            "以上内容根据公开信息整理，由算法生成，与本站立场无关，如数据存在问题请联系我们，本文不构成投资建议。"
        )

    return [report(serial) for serial in range(count)]


def notices(count: int, rng: random.Random) -> list[str]:
    makers: dict[str, Callable[[], str]] = {
        "@": lambda: "".join(rng.choices(LETTERS, k=4)),
        "&": lambda: f"{rng.randint(1, 12)}月{rng.randint(1, 28)}日",
        "#": lambda: f"{rng.uniform(1, 900):.{rng.randrange(3)}f}",
    }
    return [re.sub("[@&#]", lambda mark: makers[mark[0]](), NOTICES[serial % 4]) for serial in range(count)]


# --- edits -------------------------------------------------------------------------------------------------


def sentences(text: str) -> list[str]:
    return [part for part in re.split(r"(?<=[。！？\n])", text) if part]


def editor_line(text: str, others: list[str], rng: random.Random) -> str:
    line = rng.choice(EDITOR_LINES).format(rng.randint(1, 28), rng.choice(sentences(rng.choice(others)))[:50])
    return f"{line}\n{text}" if rng.random() < 0.5 else f"{text}\n{line}"


def headline(text: str, others: list[str], rng: random.Random) -> str:
    return text  # evaluated under another title


def some_sentences(text: str, others: list[str], rng: random.Random) -> str:
    """Up to 15 % of the sentences changed, removed or followed by another text's; one at least."""
    parts = sentences(text)
    for _ in range(max(1, round(len(parts) * rng.uniform(0.03, 0.15)))):
        place, kind = rng.randrange(len(parts)), rng.randrange(3)
        other = rng.choice(sentences(rng.choice(others)))
        if kind == 0:
            parts[place] = other
        elif kind == 1:
            parts[place] = characters(parts[place], others, rng, 0.3)
        elif rng.random() < 0.5 and len(parts) > 3:
            del parts[place]
        else:
            parts.insert(place, other)
    return "".join(parts)


def cut(text: str, others: list[str], rng: random.Random) -> str:
    return text[: int(len(text) * 0.6)]


def paragraphs_cut(text: str, others: list[str], rng: random.Random) -> str:
    """Whole paragraphs taken away, anywhere, until hardly more than 60 % is left."""
    parts = text.splitlines(keepends=True)
    while len(parts) > 1 and sum(map(len, parts)) > 0.65 * len(text):
        del parts[rng.randrange(len(parts))]
    return "".join(parts)


def disclaimer(text: str, others: list[str], rng: random.Random) -> str:
    """Another medium's own words at the end: whatever they are, up to 150 characters."""
    return f"{text}\n{''.join(sentences(rng.choice(others)))[:150]}"


def characters(text: str, others: list[str], rng: random.Random, share: float = 0.05) -> str:
    """A share of them changed; of words, where a text has spaces between them."""
    pool = _WORD.findall("".join(others[:3]))
    return "".join(rng.choice(pool) if rng.random() < share else word for word in _WORD.findall(text))


def cut_and_changed(text: str, others: list[str], rng: random.Random) -> str:
    return editor_line(characters(cut(text, others, rng), others, rng, 0.02), others, rng)


EDITS: dict[str, Edit] = {
    "editor line": editor_line,
    "headline": headline,
    "15 % of sentences": some_sentences,
    "cut to 60 %": cut,
    "paragraphs to 60 %": paragraphs_cut,
    "5 % of characters": characters,
    "a disclaimer": disclaimer,
    "cut, 2 %, line": cut_and_changed,
}


# --- figures -----------------------------------------------------------------------------------------------


def fresh(path: Path | None = None) -> Engine:
    engine = create_engine(f"sqlite:///{path or ''}")
    stories.metadata.create_all(engine)
    return engine


def known(connection: Connection, texts: list[str]) -> None:
    for number, text in enumerate(texts):
        if made := sketch("", text):
            stories.add(connection, str(number), made)


def recall(texts: list[str], rng: random.Random) -> Iterator[tuple[str, float, str]]:
    """Each text is known once; each edited copy must lead to its own original."""
    judged = texts[:: max(1, len(texts) // 400)][:400]
    with fresh().begin() as connection:
        known(connection, texts)
        for kind, edit in EDITS.items():
            hits, why = 0, []
            for text in judged:
                copy = sketch("另一个标题", edit(text, texts, rng))
                found = stories.find(connection, copy) if copy else None
                hits += bool(found)
                original = sketch("", text)
                if not found and copy and original:
                    why.append(compare(copy, original).reason)
            yield kind, hits / len(judged), ", ".join(f"{why.count(reason)} {reason}" for reason in sorted(set(why)))


def false_alarms(texts: list[str], step: int = 1) -> tuple[int, int]:
    """Pairs called the same story, of all pairs."""
    made = [found for found in (sketch("", text) for text in texts) if found]
    pairs = ((first, second) for at, first in enumerate(made) for second in made[at + 1 :: step])
    verdicts = [compare(first, second).same_story for first, second in pairs]
    return sum(verdicts), len(verdicts)


def filler(first: int, count: int, hot: np.ndarray, rng: np.random.Generator) -> Iterator[tuple[int, bytes, list[int]]]:
    """Articles as the index sees them: a quarter of the keys are phrases that many share."""
    keys = rng.integers(-(1 << 31), 1 << 31, (count, KEYS))
    common = np.minimum(rng.zipf(1.3, (count, KEYS // 4)) - 1, len(hot) - 1)
    keys[:, : KEYS // 4] = hot[common]
    shingles = np.sort(rng.integers(0, 1 << 26, (count, SHINGLES)), axis=1)
    numbers = np.sort(rng.integers(0, 1 << 16, (count, NUMBERS // 2)), axis=1)
    for row in range(count):
        hashes = tuple(shingles[row].tolist()), tuple(range(SHINGLES)), tuple(numbers[row].tolist())
        made = Sketch(1000, *hashes, tuple(range(LEAD_HASHES)), tuple(set(keys[row].tolist())))
        yield first + row, made.pack(), list(made.keys)


def fill(engine: Engine, size: int, step: int = 5000) -> None:
    rng = np.random.default_rng(1)
    hot = rng.integers(-(1 << 31), 1 << 31, 100_000)
    with engine.begin() as connection:
        connection.exec_driver_sql("PRAGMA cache_size = -1000000")  # for the filling only
        for first in range(1, size + 1, step):
            rows = list(filler(first, min(step, size + 1 - first), hot, rng))
            connection.exec_driver_sql(
                "INSERT INTO stories VALUES (?, ?, ?)", [(ref, f"ifiller{ref:09}", packed) for ref, packed, _ in rows]
            )
            pairs = [(key, ref) for ref, _, keys in rows for key in keys]
            connection.exec_driver_sql("INSERT INTO story_keys VALUES (?, ?)", pairs)


def prepared(path: Path, size: int) -> tuple[Engine, float]:
    """A database that knows so many articles, with the catalogue's pragmas, and its bytes an article."""
    engine = fresh(path)
    fill(engine, size)
    engine.dispose()
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA journal_mode = WAL")

    @event.listens_for(engine, "connect")
    def pragmas(driver: DBAPIConnection, _record: object) -> None:
        driver.cursor().execute("PRAGMA synchronous = NORMAL")

    return engine, path.stat().st_size / size


def look_and_add(engine: Engine, article: str, text: str) -> float:
    """Seconds for all that the near step does for one article: sketch, look, check, add, commit."""
    begun = time.perf_counter()
    made = sketch("", text)
    with engine.begin() as connection:
        if made and stories.find(connection, made) is None:
            stories.add(connection, article, made)
    return time.perf_counter() - begun


def cost(sizes: list[int], texts: list[str], folder: Path) -> Iterator[tuple[int, float, float, float, float]]:
    """Size, mean, median and slowest hundredth in milliseconds an article, bytes an article.

    The sizes take turns, so that whatever else the machine does slows all of them alike.
    """
    engines = {size: prepared(folder / f"{size}.sqlite", size) for size in sizes}
    times: dict[int, list[float]] = {size: [] for size in sizes}
    for number, text in enumerate(texts):
        for size, (engine, _) in engines.items():
            times[size].append(1000 * look_and_add(engine, f"inew{number}", text))
    for size, (engine, on_disk) in engines.items():
        engine.dispose()
        figures = sorted(times[size][20:])  # the first ones compile statements
        mean, middle, slowest = sum(figures) / len(figures), figures[len(figures) // 2], figures[-len(figures) // 100]
        yield size, mean, middle, slowest, on_disk


def summary(full: bool) -> dict[str, float]:
    """Of made-up texts, whose recall is not that of real ones: it must not fall all the same."""
    rng = random.Random(1)
    texts = made_up(600, rng)
    found = {f"recall/{kind}": share for kind, share, _ in recall(texts, rng)}
    wrong, pairs = false_alarms(texts)
    with tempfile.TemporaryDirectory() as folder:
        sizes = [10_000, 1_000_000 if full else 100_000]
        small, large = (middle for _, _, middle, _, _ in cost(sizes, texts, Path(folder)))
    return {**found, "false_alarms": wrong / pairs, "ms_an_article": large, "times_that_at_10000": large / small}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="10000,100000")
    parser.add_argument("--texts", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    texts = read_texts(options.texts) if options.texts else made_up(600, rng)
    print(f"{len(texts)} texts, {sum(map(len, texts)) // len(texts)} characters on average\n")
    print("recall")
    for kind, share, why in recall(texts, rng):
        print(f"  {kind:20} {share:7.1%}  {why}")
    templated = reports(1000, rng) + notices(500, rng)
    print("false alarms")
    print("  unrelated pairs      {} of {}".format(*false_alarms(texts)))
    print("  templated reports    {} of {} pairs".format(*false_alarms(templated, 3)))
    with fresh().begin() as connection:
        found = 0
        for number, text in enumerate(templated):
            if made := sketch("", text):
                found += stories.find(connection, made) is not None
                stories.add(connection, str(number), made)
    print(f"  … through the index  {found} of {len(templated)}")
    print("cost            ms/article         median   slowest 1 %   bytes/article")
    sizes = [int(size) for size in options.sizes.split(",")]
    with tempfile.TemporaryDirectory() as folder:
        for figures in cost(sizes, (texts * 2)[:1000], Path(folder)):
            print("  {:>10,} {:>12.2f} {:>14.2f} {:>13.2f} {:>15.0f}".format(*figures))


if __name__ == "__main__":
    main()

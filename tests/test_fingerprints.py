"""Exact digests and sketches: which texts are one story and which only look like it."""

from __future__ import annotations

import os
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sinanews.duplicates.fingerprint import KEYS, NUMBERS, SHINGLES, Sketch, compare, sketch, text_digest

EXAMPLES = settings(max_examples=int(os.environ.get("SINANEWS_EXAMPLES", 50)), deadline=None)
LETTERS = [chr(code) for code in range(0x4E00, 0x4E00 + 1500)]


def prose(seed: int, size: int = 800) -> str:
    """A made-up article: words of two characters, clauses, a number now and then, paragraphs."""
    rng = random.Random(seed)
    words = ["".join(rng.choices(LETTERS, k=2)) for _ in range(300)]
    text = ""
    while len(text) < size:
        clauses = ["".join(rng.choices(words, k=rng.randint(3, 7))) for _ in range(rng.randint(1, 4))]
        number = f"{rng.uniform(1, 500):.1f}亿元" if rng.random() < 0.5 else ""
        text += "，".join(clauses) + number + "。" + ("\n" if rng.random() < 0.3 else "")
    return text


def made(text: str, title: str = "标题") -> Sketch:
    found = sketch(title, text)
    assert found is not None
    return found


def same_story(new: str, old: str, new_title: str = "甲", old_title: str = "乙") -> bool:
    return compare(made(new, new_title), made(old, old_title)).same_story


def changed(text: str, share: float, rng: random.Random) -> str:
    return "".join(rng.choice(LETTERS) if rng.random() < share else letter for letter in text)


def report(day: str, price: str, change: str, volume: str, name: str = "某某股份", code: str = "600001") -> str:
    return (
        f"截至{day}收盘，{name}（{code}）报收于{price}元，较前一日上涨{change}%，成交量{volume}万手。"
        "公司2023年中报显示，主营收入12.35亿元，同比上升3.20%，负债率41.07%，毛利率22.18%。"
        "该股最近90天内共有5家机构给出评级，其中买入评级4家。以上内容根据公开信息整理，不构成投资建议。"
    )


# --- the exact step ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("央行今日开展逆回购操作" * 6, "央行今日，开展\n\u3000\u3000逆回购操作。" * 6),
        ("ＡＢＣ公司１２％" * 10, "ABC公司12%" * 10),
        ("营收1,234亿元" * 10, "营收1234亿元" * 10),
    ],
)
def test_layout_does_not_count(one: str, other: str) -> None:
    assert text_digest("甲", one) == text_digest("乙", other)


@pytest.mark.parametrize(("one", "other"), [("3.5%", "35%"), ("-2.1%", "2.1%"), ("1日", "2日"), ("600519", "600518")])
def test_numbers_count(one: str, other: str) -> None:
    text = "今日收盘，某某指数的变化为{}，分析人士认为后市仍需观察，投资者应当谨慎，注意市场风险，合理安排仓位。"
    assert text_digest("甲", text.format(one)) != text_digest("甲", text.format(other))


def test_a_short_text_is_known_by_its_title_too() -> None:
    assert text_digest("甲公司公告", "详见附件。") != text_digest("乙公司公告", "详见附件。")
    assert text_digest("甲，公司公告", "详见附件") == text_digest("甲公司公告", "详见附件。")


@pytest.mark.parametrize("text", ["", " \n\u3000", "。……！"])
def test_an_empty_text_has_no_digest(text: str) -> None:
    assert text_digest("视频", text) is None


@EXAMPLES
@given(st.text(), st.text())
def test_any_text_has_a_digest_or_none(title: str, text: str) -> None:
    digest = text_digest(title, text)
    assert digest is None or (len(digest) == 32 and digest == text_digest(title, f" {text}\n"))


# --- copies --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [220, 800, 3000])
@pytest.mark.parametrize(
    "line", ["（责任编辑：某某 SF014）", "本报记者 某某 2023年9月1日 北京报道", "编者按：转自本刊第12期，略有删节。"]
)
def test_an_editors_line_changes_nothing(size: int, line: str) -> None:
    text = prose(size, size)
    assert same_story(f"{line}\n{text}", text)
    assert same_story(text, f"{text}\n{line}")


@EXAMPLES
@given(st.integers(0, 10_000), st.integers(240, 3000), st.floats(0.6, 1))
def test_a_cut_copy_is_found(seed: int, size: int, share: float) -> None:
    text = prose(seed, size)
    cut = text[: int(len(text) * share)]
    found = compare(made(cut), made(text))
    assert found.same_story
    assert found.containment >= 0.9
    if share < 0.85:
        assert found.longer == "old"
        assert compare(made(text), made(cut)).longer == "new"


def test_a_copy_cut_inside_a_number() -> None:
    text = prose(11, 300).replace("亿元", "") + "公司预计全年营收123456亿元。"
    assert same_story(text[: text.index("123456") + 3], text)


def test_each_medium_has_its_own_imprint() -> None:
    text = "".join(letter for letter in prose(12, 300) if not letter.isdigit())
    assert same_story(f"{text}\n责任编辑：某某 SF014", f"{text}\n责任编辑：某某 SF027")
    assert not same_story(f"{text}\n公司代码 600014。", f"{text}\n公司代码 600027。")


@pytest.mark.parametrize(("share", "least"), [(0.02, 0.99), (0.05, 0.95)])
def test_characters_changed_everywhere(share: float, least: float) -> None:
    rng = random.Random(share)
    texts = [prose(seed, 200 + 25 * seed) for seed in range(100)]
    assert sum(same_story(changed(text, share, rng), text) for text in texts) >= least * len(texts)


def test_sentences_replaced() -> None:
    rng = random.Random(1)
    texts = [prose(seed, 400 + 25 * seed) for seed in range(100)]
    hits = 0
    for seed, text in enumerate(texts):
        sentences = text.split("。")
        for _ in range(max(1, len(sentences) * 15 // 100)):
            sentences[rng.randrange(len(sentences) - 1)] = rng.choice(prose(seed + 1000).split("。"))
        hits += same_story("。".join(sentences), text)
    assert hits >= 97


# --- what only looks like a copy -----------------------------------------------------------------------------


def test_unrelated_articles() -> None:
    sketches = [made(prose(seed, 200 + 28 * seed)) for seed in range(100)]
    pairs = [(one, other) for at, one in enumerate(sketches) for other in sketches[at + 1 :]]
    assert not any(compare(one, other).same_story for one, other in pairs)


def test_daily_reports_repeat_words_not_numbers() -> None:
    monday, tuesday = report("9月4日", "18.21", "1.30", "22.4"), report("9月5日", "18.95", "4.06", "31.9")
    found = compare(made(monday), made(tuesday))
    assert (found.same_story, found.reason) == (False, "other numbers")
    assert found.similarity > 0.95
    other_firm = report("9月4日", "7.02", "0.31", "8.8", "另外集团", "300002")
    assert not same_story(other_firm, monday)


def test_reports_that_name_other_stocks_each_day() -> None:
    """Their words differ like those of an edited copy, some of their numbers agree by chance."""
    rng = random.Random(1)

    def number(low: int, high: int) -> str:
        return f"{rng.uniform(low, high):.{0 if high > 9 else 2}f}"

    def name() -> str:
        return "".join(rng.choices(LETTERS[:40], k=rng.choice((3, 4))))

    sketches = [
        made(
            f"截至收盘，沪指报{number(2900, 3300)}点，跌{number(0, 2)}%；深成指报{number(9000, 12000)}点，跌{number(0, 2)}%；"
            f"创业板指报{number(1900, 2300)}点，跌{number(0, 2)}%。两市成交额不足万亿元，北向资金净流出逾30亿元。盘面上，"
            f"个股跌多涨少，下跌个股超3000只，{name()}、{name()}等板块涨幅居前，{name()}、{name()}等板块跌幅居前。"
        )
        for _ in range(200)
    ]
    found = [compare(one, other) for at, one in enumerate(sketches) for other in sketches[at + 1 :]]
    assert sum(likeness.reason == "other numbers" for likeness in found) > len(found) / 2
    assert not any(likeness.same_story for likeness in found)


def test_a_report_copied_is_still_a_copy() -> None:
    monday = report("9月4日", "18.21", "1.30", "22.4")
    assert same_story(f"行情快报\n{monday}", monday)
    assert same_story(changed(monday, 0.03, random.Random(3)), monday)


def test_a_date_alone_tells_two_notices_apart() -> None:
    notice = (
        "中国人民银行授权全国银行间同业拆借中心公布，2023年{}月20日贷款市场报价利率（LPR）为：1年期LPR为3.45%，"
        "5年期以上LPR为4.2%。以上LPR在下一次发布LPR之前有效，各金融机构应当参照执行，做好政策宣传和解释工作。"
    )
    assert compare(made(notice.format(9)), made(notice.format(10))).reason == "other numbers"
    assert same_story(notice.format(9), notice.format(9))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("改革之路（上）", "改革之路（下）"),
        ("改革之路(1/3)", "改革之路(2/3)"),
        ("系列评论之一：稳", "系列评论之二：进"),
        ("第三期：稳", "第四期：稳"),
        ("谈经济①", "谈经济②"),
        ("上篇 稳", "下篇 稳"),
        ("一论稳中求进", "二论稳中求进"),
    ],
)
def test_parts_of_a_series(one: str, other: str) -> None:
    text = prose(5)
    assert compare(made(text, one), made(text, other)).reason == "other part"
    assert same_story(text, text, one, one)
    assert same_story(text, text, one, "另一个标题")


def test_parts_are_the_same_in_other_digits() -> None:
    assert same_story(prose(5), prose(5), "改革之路（一）", "改革之路(1)")
    assert same_story(prose(5), prose(5), "三分之一的企业", "三分之二的企业")  # a share, not a part


@pytest.mark.parametrize(
    ("title", "line"),
    [("更正：某某公司业绩", ""), ("某某公司业绩", "更正说明：前文第二段有误。\n"), ("某某公司业绩", "（更正）")],
)
def test_a_correction_is_no_copy_of_what_it_corrects(title: str, line: str) -> None:
    text = prose(6)
    assert compare(made(line + text, title), made(text, "某某公司业绩")).reason == "correction"
    assert same_story(line + text, line + text, title, title)


def test_the_word_correction_in_the_story_is_no_correction() -> None:
    text = prose(6) + "公司表示将更正年报中的数据。" + prose(7)
    assert same_story(text[: int(len(text) * 0.6)], text)


@pytest.mark.parametrize("text", ["", "某" * 40, "央行今日开展逆回购操作，" * 8, "1.23 4.56 7.89 " * 20])
def test_too_short_to_judge(text: str) -> None:
    assert sketch("快讯", text) is None


def test_a_short_quotation_is_no_copy() -> None:
    text = prose(8, 3000)
    assert not same_story(text[:600], text)


# --- scripts with spaces -------------------------------------------------------------------------------------


def english(seed: int, words: int = 400) -> str:
    """Made-up prose of invented words, the short ones in every text, as in any language with spaces."""
    rng = random.Random(seed)
    vocabulary = [
        "".join(f"{rng.choice('bcdfglmnprstv')}{rng.choice('aeiou')}" for _ in range(rng.randint(2, 4)))
        for _ in range(400)
    ]
    common = "the of and to in a is that for it on with as was at by an be this from or are has had not".split()
    text = ""
    while len(text.split()) < words:
        sentence = [
            rng.choice(common) if rng.random() < 0.5 else rng.choice(vocabulary) for _ in range(rng.randint(8, 25))
        ]
        text += " ".join(sentence).capitalize() + rng.choice((". ", ". ", ".\n", f" {rng.randint(2, 99)} percent. "))
    return text


def test_unrelated_texts_with_spaces() -> None:
    sketches = [made(english(seed, 100 + 30 * seed)) for seed in range(80)]
    pairs = [(one, other) for at, one in enumerate(sketches) for other in sketches[at + 1 :]]
    assert not any(compare(one, other).same_story for one, other in pairs)
    assert max(compare(one, other).containment for one, other in pairs) < 0.4


@pytest.mark.parametrize("seed", range(12))
def test_copies_with_spaces(seed: int) -> None:
    text, rng = english(seed, 200 + 60 * seed), random.Random(seed)
    words = text.split(" ")
    edited = " ".join(rng.choice(words) if rng.random() < 0.05 else word for word in words)
    for copy in (edited, text[: len(text) * 6 // 10], f"By Our Own Correspondent, City Desk\n{text}"):
        assert same_story(copy, text)


def test_a_mixed_text_is_compared_by_characters_and_words() -> None:
    terms = english(3, 60).split()
    mixed = "".join(f"{prose(seed, 40)[:30]} {term} " for seed, term in enumerate(terms))
    assert same_story(mixed.replace(terms[4], "another"), mixed)
    assert not same_story("".join(f"{prose(seed + 500, 40)[:30]} {term} " for seed, term in enumerate(terms)), mixed)


# --- what is shared and not the story ------------------------------------------------------------------------


@pytest.mark.parametrize("own", [200, 500])
@pytest.mark.parametrize("shared", [300, 600, 1200])
def test_long_parts_that_many_articles_share(own: int, shared: int) -> None:
    """Lists of links, legal texts: whatever it is, what differs in one piece is what each is about."""
    links = "\n".join(prose(seed, 20)[:14] for seed in range(9000, 9000 + shared // 14))
    texts = [made(f"{prose(seed, own)}\n{links}") for seed in range(16)]
    pairs = [(one, other) for at, one in enumerate(texts) for other in texts[at + 1 :]]
    assert sum(compare(one, other).same_story for one, other in pairs) <= 0.35 * len(pairs)
    copy = made(f"编者按：推荐阅读。\n{prose(3, own)}\n{links}")
    assert compare(copy, texts[3]).same_story


@pytest.mark.parametrize(
    "formula",
    [
        "本公司及全体董事保证公告内容真实，没有虚假记载、误导性陈述或者重大遗漏，并承担个别及连带责任。",
        "风险提示：" + prose(77, 300).replace("\n", ""),
        "风险提示\n" + prose(77, 300),
        "免责声明\n" + prose(78, 500),
        "Forward-Looking Statements\n" + english(7, 90),
    ],
)
def test_formulas_are_no_story(formula: str) -> None:
    one, other = prose(1, 120), prose(2, 120)
    assert not same_story(f"{one}\n{formula * 3}", f"{other}\n{formula * 3}")
    assert same_story(f"{one}\n{formula}", one)


def test_a_heading_at_the_top_hides_nothing() -> None:
    assert not same_story(f"风险提示\n{prose(1)}", f"风险提示\n{prose(2)}")


# --- the sketch itself ---------------------------------------------------------------------------------------


@EXAMPLES
@given(st.text(max_size=20), st.text(), st.integers(0, 99))
def test_a_sketch_survives_packing_and_is_like_itself(title: str, text: str, seed: int) -> None:
    found = sketch(title, prose(seed, 300) + text)
    assert found is not None
    assert Sketch.unpack(found.pack()) == found
    assert len(found.pack()) <= 650
    likeness = compare(found, found)
    assert (likeness.similarity, likeness.containment, likeness.same_story, likeness.longer) == (1, 1, True, None)
    assert len(found.keys) <= KEYS and len(found.shingles) <= SHINGLES and len(found.numbers) <= NUMBERS


@EXAMPLES
@given(st.integers(0, 99), st.integers(0, 99), st.floats(0.3, 1))
def test_the_order_of_a_pair_does_not_matter(one: int, other: int, share: float) -> None:
    first, second = made(prose(one, 900)), made(prose(other, 900)[: int(900 * share)])
    there, back = compare(first, second), compare(second, first)
    assert (there.similarity, there.containment, there.reason) == (back.similarity, back.containment, back.reason)


def test_a_sketch_of_another_version_is_not_read() -> None:
    packed = made(prose(1)).pack()
    assert Sketch.unpack(bytes([packed[0] + 1]) + packed[1:]) is None


def test_hashes_stay_what_they_were() -> None:
    """They live in the catalogue for years: a change of any needs another version in the packed form."""
    text = "央行公告称，为维护银行体系流动性合理充裕，今日开展逆回购操作。" * 4 + "利率为1.8%，期限7天。来源：某某日报"
    found = made(text, "公告（二）")
    assert text_digest("", text) == "3ed13f3a391e742f20315cc60af8e8df"
    assert (found.shingles[0], found.numbers, found.keys[0]) == (62684327, (3610069634, 4172605191), -2043846377)
    assert (found.part, found.credit, found.number_length) == ("02", "某某日报", 2)

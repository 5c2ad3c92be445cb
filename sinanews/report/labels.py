"""Every word of the report, in English and in Chinese."""

from __future__ import annotations

import os
from collections.abc import Mapping

LANGUAGES = ("en", "zh")
_HTML = {"en": "en", "zh": "zh-Hans"}
#: name → English, Chinese. Where a name is missing it is shown as it is: a reason, a spider.
LABELS: dict[str, tuple[str, str]] = {
    "archive": ("Sina Finance archive", "新浪财经归档"),
    "as_of": ("As of {}. All times and days are Beijing's (UTC+8).", "截至 {}，全部为北京时间。"),
    "well": ("All is well. Nothing needs you.", "一切正常，无需处理。"),
    "unwell": ("Something needs you:", "以下情况需要处理："),
    "notes": ("Worth knowing:", "提示："),
    "exported": ("articles", "篇文章"),
    "duplicate": ("duplicates", "篇重复"),
    "refused": ("refused", "篇不收"),
    "failed": ("failed, tried again", "篇失败待重试"),
    "pending": ("not fetched yet", "篇待抓取"),
    "newest": ("newest article", "最新文章"),
    "last_run": ("last run", "最近一次运行"),
    "gaps": ("gaps in the lists", "处列表缺口"),
    "search": ("Search in titles", "搜索标题"),
    "searchable": (
        "The newest {} of {} titles can be searched; the others would make this page too large.",
        "可搜索最新 {} 条标题（共 {} 条）；其余放不进本页。",
    ),
    "full_text": ("For the full text: {} and {}.", "搜索全文请用 {} 或 {}。"),
    "found": ("{} found", "找到 {} 条"),
    "found_more": ("{} found, the newest {} of them here", "找到 {} 条，仅列出最新 {} 条"),
    "no_search": ("This browser cannot search here: {}", "此浏览器无法在本页搜索：{}"),
    "newest_articles": ("Newest articles", "最新文章"),
    "back": ("Close", "关闭"),
    "at_sina": ("At Sina", "新浪原文"),
    "untitled": ("untitled", "无标题"),
    "picture": ("[picture]", "［图］"),
    "articles": ("Articles a {}", "文章数（按{}）"),
    "articles_note": (
        "By the time of publication; an article of several channels counts for the first.",
        "按发布时间；属于多个频道的文章计入第一个频道。",
    ),
    "articles_left_out": ("Left out, because far older: {}.", "未画出更早的 {} 篇。"),
    "delays": ("Hours from publication to export, by {}", "从发布到入库的小时数（按{}）"),
    "delays_note": ("By the time of export.", "按入库时间。"),
    "delays_left_out": (
        "Left out, because exported more than a week after: {}.",
        "未计入发布一周以后才入库的 {} 篇。",
    ),
    "fields": ("Articles that have each field, by {}", "各字段的完整率（按{}）"),
    "fields_note": (
        "By the time of export; the share that is usual matters, not 100 %.",
        "按入库时间；应与平时比较，不必达到 100%。",
    ),
    "fields_left_out": ("", ""),
    "day": ("day", "日"),
    "week": ("week", "周"),
    "month": ("month", "月"),
    "not_over": ("The pale bar is not over yet.", "浅色的一段尚未结束。"),
    "numbers": ("Numbers, the newest first", "数据（新的在前）"),
    "all": ("all", "全部"),
    "others": ("other channels", "其他频道"),
    "": ("none named", "未注明"),
    "half": ("half within", "一半在此时间内"),
    "nine_in_ten": ("nine in ten within", "九成在此时间内"),
    "duplicates": ("Duplicates", "重复"),
    "refusals": ("Refused", "不收"),
    "largest_media": ("Largest media", "主要媒体"),
    "media": ("medium", "媒体"),
    "reason": ("reason", "原因"),
    "medium": ("medium", "媒体"),
    "share": ("share", "占比"),
    "channels": ("Channels", "频道"),
    "channel": ("channel", "频道"),
    "title": ("title", "标题"),
    "number": ("articles", "文章数"),
    "newest_article": ("newest article", "最新文章"),
    "listed_until": ("listed until", "已列至"),
    "last_asked": ("last run", "最近运行"),
    "last_success": ("listed to its end", "最近完整列出"),
    "companies": ("Companies", "公司"),
    "companies_note": (
        "Articles that a company's own lists named first; those not listed for longest come first.",
        "仅计由该公司自有列表最先列出的文章；最久未列出的在前。",
    ),
    "company": ("company", "公司"),
    "news": ("news", "资讯"),
    "announcements": ("announcements", "公告"),
    "research": ("research reports", "研报"),
    "n_gaps": ("gaps", "缺口"),
    "runs": ("Runs", "运行记录"),
    "spider": ("spider", "爬虫"),
    "began": ("began", "开始"),
    "took": ("took", "用时"),
    "outcome": ("outcome", "结果"),
    "n_exported": ("exported", "入库"),
    "n_duplicate": ("duplicates", "重复"),
    "n_refused": ("refused", "不收"),
    "n_failed": ("failed", "失败"),
    "n_listing": ("lists failed", "列表失败"),
    # outcomes of a run
    "ok": ("ok", "正常"),
    "nothing_new": ("nothing new", "无新内容"),
    "ok_but_few": ("ok, a few failed", "正常，少数失败"),
    "needs_attention": ("needs attention", "需要处理"),
    "partly_failed": ("partly failed", "部分失败"),
    "nothing_fetched": ("nothing fetched", "未抓到内容"),
    "banned": ("banned", "被拒绝访问"),
    "storage_failed": ("storage failed", "存储失败"),
    "crashed": ("crashed", "程序错误"),
    "interrupted": ("interrupted", "已中断"),
    "killed": ("killed", "被强制终止"),
    "running": ("running", "运行中"),
    # fields of an article
    "published_at": ("time of publication", "发布时间"),
    "author": ("author", "作者"),
    "editor": ("editor", "编辑"),
    "keywords": ("keywords", "关键词"),
    "stocks": ("stocks", "股票"),
    "images": ("pictures", "图片"),
    "body_text": ("text", "正文"),
    # why an input is refused
    "other_host": ("on a host that is not read", "不收录的站点"),
    "quote": ("a price quotation", "行情页"),
    "magazine": ("a magazine's page", "杂志页"),
    "not_an_article": ("no article", "不是文章"),
    "not_a_url": ("no address", "不是网址"),
    "gone": ("gone from the site", "原文已删除"),
    "unknown_layout": ("unknown layout", "版式未知"),
    "ambiguous_layout": ("ambiguous layout", "版式不明"),
    "another_article": ("another article's page", "是另一篇文章"),
    "undecodable": ("unreadable characters", "编码无法识别"),
    "too_large": ("too large", "过大"),
    "empty": ("without text", "没有正文"),
    "bad_post": ("a post that cannot be read", "无法读取的帖子"),
    "bad_item": ("an unusable item", "无法使用的条目"),
    "superseded_url": ("replaced by a better copy", "已由更好的副本取代"),
    "superseded_text": ("replaced by a better copy", "已由更好的副本取代"),
    "superseded_story": ("replaced by a better copy", "已由更好的副本取代"),
    # why a copy is one
    "url": ("same address", "网址相同"),
    "text": ("same text", "正文相同"),
    "story": ("same story", "内容相近"),
}


class Labels:
    """The words of one language: ``labels("found", 3)``."""

    def __init__(self, language: str) -> None:
        self.language, self._column = _HTML[language], LANGUAGES.index(language)

    def __call__(self, name: str, *values: object) -> str:
        return LABELS[name][self._column].format(*values) if name in LABELS else name

    def chosen(self, *names: str) -> dict[str, str]:
        """Those that the page's script fills in."""
        return {name: LABELS[name][self._column] for name in names}


def language_of(environment: Mapping[str, str] = os.environ) -> str:
    """``zh`` where the locale is Chinese.

    >>> language_of({"LC_ALL": "", "LANG": "zh_CN.UTF-8"}), language_of({"LANG": "C.UTF-8"})
    ('zh', 'en')
    """
    locale = next(filter(None, (environment.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))), "")
    return "zh" if locale.startswith("zh") else "en"

"""What Sina says in its own words under thousands of articles. Each pattern is a whole line.

What these do not know for certain is the article's: a pattern names all that may follow the words it begins with, so
that no sentence of an article fits it by its beginning alone.
"""

from __future__ import annotations

import re

_APP = r"新浪(?:财经|新闻|证券|科技|股票)?(?:客户端|APP|App|app)"
_ACCOUNT = r"新浪(?:财经|新闻|证券|科技|股票|期货|外汇|基金|美股|港股|黄金|汽车|房产|娱乐|体育|网)?"
_ID = r"\W*(?:[A-Za-z][A-Za-z0-9_-]{3,29}\W*)?$"  # a WeChat name behind an invitation
_WHERE = r"(?:识别|扫描|并|[上下左右][方侧图面]|图中|文末|以下|此|该)*"
_QR = rf"\W*(?:扫描|扫一扫|长按|识别){_WHERE}二维码\W{{0,2}}"

_END = r"[^\w。]*$"  # brackets, arrows, no full stop
_PHRASES = "登载此文|出于传递更多信息|并不意味着赞同|个股点评栏目|投资者注意风险|不构成投资建议|据此操作|独家稿件"
_TOOL = "评论|论坛|推荐|打印|收藏|收藏本文|关闭|关闭窗口|大|中|小|纠错|复制|转发|发短信|短信|下载|RSS"
_NOT_OURS = r"不代表新浪\w{0,6}(?:立场|观点|看法)"

#: kind -> the lines that say it, in the order they are tried.
SINA_SENTENCES = {
    "app": [
        r"海量资讯、精准解读，尽在新浪财经(?:客户端|APP|App|app)?\W*$",
        rf"\W*(?:安装|下载|打开|登录){_APP}(?:\W*第一时间接收\w{{0,12}}(?:资讯|消息|新闻))?\W*(?:下载地址\W*)?$",
        rf"\W*(?:安装|下载|打开|登录){_APP}[，,]\s*(?:了解全球实时汇率|(?:查看|获取)更多\w{{0,6}}|随时随地看行情){_END}",
        rf"{_APP}[：:]\s*直播上线\s*博主一对一指导\W*$",
        r"APP专享(?:直播)?$",
    ],
    "promotion": [
        r"炒股就看\W?金麒麟分析师研报(?:\W+(?:权威|专业|及时|全面))*(?:\W+助您挖掘潜力主题机会)?\W*$",
        r"\W*线索征集令\W*你吐槽，我倾听.*$",
        r"\W*新浪合作大平台\w{0,4}开户\W*安全快捷有保障\W*$",
        r"\W*股市回暖，抄底炒股先开户\W*(?:智能定投、条件单、个股雷达\W*)?(?:送给你)?\W*$",
        r"\W*MACD金叉信号形成，这些股涨势不错\W*$",
        r"\W*扫二维码\W{0,3}(?:3分钟开户\W{0,3})?领开户福利\W*$",
        rf"\W*来新浪理财大学，听\w{{2,6}}(?:讲|教|说)\w{{2,20}}{_END}",
    ],
    "quotes": [r"\W*热点栏目(?:\W*(?:自选股|数据中心|行情中心|资金流向|模拟交易|客户端))+\W*$"],
    "disclaimer": [
        rf"\W*新浪\w{{0,4}}(?:声明|提示)[：:】].*(?:{_PHRASES}|{_NOT_OURS})",
        r"\W*(?:特别|免责|郑重|风险)?(?:声明|提示)[：:】].*新浪(?:网|财经)?(?:(?:登载|刊登|转载)[此本]文|独家(?:稿件|文章)\W)",
        r"\W*(?:特别|免责|郑重|风险)?(?:声明|提示)[：:】].*(?:版权|作品|转载|稿酬|侵权).{0,40}与新浪网?联系",
        r"\W*(?:特别|免责|郑重|风险)?(?:声明|提示)[：:】].*自媒体综合提供的内容",
        rf"\W*(?:特别|免责|郑重|风险)?(?:声明|提示)[：:】].*(?:文章|文中|本文|内容|作者).{{0,30}}{_NOT_OURS}",
        rf"\W*以上(?:文章)?内容仅代表作者本人观点.{{0,20}}{_NOT_OURS}\W*$",
        r"\W*本文[为系]作者独家授权新浪\w{0,4}使用\W*(?:(?:请勿|未经|不得|谢绝|禁止|严禁).{0,60})?$",
    ],
    "qr_code": [
        rf"\W*(?:更多猛料\W*)?欢迎扫描\w{{0,6}}二维码\W*关注{_ACCOUNT}(?:官方)?(?:微信|微博)?(?:公众号)?{_ID}",
        rf"\W*欢迎关注\w{{0,4}}(?:官方)?微信(?:公众号)?\W{{0,3}}(?:{_ACCOUNT}|意见领袖)\W*(?:阅读更多精彩文章)?{_ID}",
        r"\W*欢迎关注官方微信\W*意见领袖\W*阅读更多精彩文章\W*点击微信界面右上角的.{0,100}$",
        rf"{_QR}(?:即可)?关注\W?{_ACCOUNT}\W?(?:官方)?(?:微信|微博)?(?:公众号|订阅号)?{_ID}",
        r"\W*新浪财经公众号\W*$",
        rf"\W*24小时滚动播报最新的财经资讯(?:和视频)?(?:\W+更多粉丝福利)?(?:\W*扫描二维码关注)?{_ID}",
    ],
    "wechat": [
        rf"\W*(?:更多精彩内容\W*)?(?:欢迎|敬请|请)?关注\W?新浪\w{{2,6}}\W?的?(?:官方)?微信(?:公众号|订阅号|号)?{_ID}",
        rf"\W*更多\w{{0,6}}\W*请下载{_APP}\W*$",
        r"\W*股市瞬息万变，投资难以决策？来\W?A股参谋部\W?超话聊一聊\W*(?:点击进入)?\W*$",
    ],
    "forum": [
        r"\W*(?:点击)?进入【[^】]{0,16}(?:论坛|股吧|股友会)】(?:参与)?(?:讨论|交流|互动)?\W*$",
        r"\W*(?:点击)?进入(?:新浪\w{0,8}论坛|\w{0,8}(?:股吧|股友会))(?:参与)?(?:讨论|交流|互动)\W*$",
    ],
    "player": [r"视频加载中(?:\W*请稍[候后等])?\W*$", r"自动播放$"],
    "comments": [
        rf"\W*已有\W*(?:[\d,]+|_COUNT_)?\W*(?:条(?:网友)?评论|位网友发表(?:看法|评论)){_END}",
        rf"\W*(?:我要评论|欢迎发表评论|发表评论|我要反馈){_END}",
        rf"\W*转发此文至微博\W*(?:我要评论|欢迎发表评论)?{_END}",
    ],
    "more": [
        rf"\W*点击此处(?:查询|查看|浏览)全部\w{{1,12}}(?:新闻|图片|文章|资讯|报道|专题){_END}",
        rf"\W*点击查看(?:更多|全部)(?:精彩)?(?:内容|新闻|图片)?{_END}",
        r"正文已结束(?:\W*您可以按alt\+4进行评论)?\W*$",
        r"文章关键词[：:][^。！？]{0,60}$",
        r"\W*爱问\W*iAsk(?:\.com)?\W*(?:相关网页共?约[\d,]+篇\W*)?$",
    ],
    "tools": [
        r"\W*分享到[：:]?\W*$",
        r"\W*收藏本文\W*$",
        rf"(?:\s*[【\[]\s*(?:我要|发表|网友|财经|股票)?(?:{_TOOL})\s*[】\]]\s*){{2,}}$",
    ],
}
#: The same, where all that is said but ``UNLINKED`` is a link to a page of Sina's.
LINKED_SENTENCES = {
    "promotion": r"\W*来新浪理财大学",
    "wechat": r"\W*更多精彩内容\s*手机订阅",
    "forum": r"\W*(?:点击)?进入(?:新浪.{0,12}论坛|.{0,14}(?:股吧|股友会))|\W*(?:进入|点击).{0,4}【.{2,20}】",
    "comments": r"\W*(?:网友评论|已有.{0,10}[条位].{0,12}(?:评论|看法))",
    "more": r"\W*(?:点击此处|点击查看|点击进入)",
    "app": r"\W*(?:安装|下载|打开|登录)新浪\w{2,6}(?:客户端|APP|App)",
}
UNLINKED = re.compile(r"(?:\W|更多精彩内容|点击|进入|参与|讨论)*")
LONGEST = 400  #: characters of a line of Sina's
LONGEST_LINKED = 60
LONGEST_PAGER = 100

SINA_SENTENCE = re.compile("|".join(f"(?P<{kind}>{'|'.join(lines)})" for kind, lines in SINA_SENTENCES.items()))
LINKED_SENTENCE = re.compile("|".join(f"(?P<{kind}>{line})" for kind, line in LINKED_SENTENCES.items()))

#: The first two letters of all that; to look for them first spares most lines the long patterns.
STARTS = frozenset(
    "海量 安装 下载 打开 登录 新浪 AP 炒股 线索 股市 MA 扫二 来新 热点 特别 免责 郑重 风险 声明 提示 以上 本文 更多 "
    "欢迎 扫描 扫一 长按 识别 敬请 请关 关注 点击 进入 视频 自动 已有 我要 发表 转发 正文 文章 爱问 分享 收藏 24 "
    "网友 财经 股票 评论 论坛 推荐 打印 关闭 纠错 复制 发短 短信 RS 大】 大] 中】 中] 小】 小]".split()
)
_FIRST = re.compile(r"\w.")


def may_be_sinas(text: str) -> bool:
    """Whether a line begins like one of Sina's."""
    return (first := _FIRST.search(text)) is not None and first[0] in STARTS


#: An invitation to somebody else's account: Sina's or not, it is no part of a text that has ended.
INVITATION = re.compile(rf"{_QR}(?:一键)?关注\W{{0,2}}(?!\w*(?:[的了后领就者]|可以|即可))(?:我们|\w{{2,16}}){_ID}")

_NUMBER = r"第?\d{1,3}页?"
_PAGER_WORD = r"上一[页章节篇]|下一[页章节篇]|返回目录|返回首页|尾页|末页|全文阅读|共\d{1,3}页"
PAGER_LETTER = re.compile("[页章节篇录读]")
PAGER = re.compile(
    rf"(?=.*(?:{_PAGER_WORD}))\W*(?:{_PAGER_WORD}|{_NUMBER}|目录|首页)(?:\W+(?:{_PAGER_WORD}|{_NUMBER}|目录|首页))+\W*$"
    r"|\W*(?:上一[页章节篇]|下一[页章节篇]|返回目录)\W*$"
)
#: What may be a pager where its links lead to pages of one article.
PAGE_NUMBERS = re.compile(rf"\W*(?:{_PAGER_WORD}|{_NUMBER}|目录|首页)(?:\W+(?:{_PAGER_WORD}|{_NUMBER}|目录|首页))*\W*$")
_PAGE_OF = re.compile(r"[-_]p?\d{1,2}(?=(?:\.d)?\.s?html?$)|(?<=[?&]p=)\d+|(?<=[?&]page=)\d+")


def are_pages_of_one_article(targets: list[str], base_url: str | None) -> bool:
    """Whether links lead to other pages of one article, of this one where it is known.

    >>> are_pages_of_one_article(["https://x.cn/doc-ab_2.shtml", "https://x.cn/doc-ab_3.shtml"], "https://x.cn/doc-ab.shtml")
    True
    >>> are_pages_of_one_article(["https://x.cn/doc-cd.shtml"], "https://x.cn/doc-ab.shtml")
    False
    """
    known = [base_url.replace("http:", "https:", 1)] if base_url else []
    stems = {_stem(url) for url in [*targets, *known]}
    return len(stems) == 1 and len({*targets, *known}) > 1


def _stem(url: str) -> str:
    return _PAGE_OF.sub("", re.sub(r"#.*|(?<=\.shtml)\?(?!p).*", "", url))

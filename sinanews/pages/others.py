"""Pages that are no articles: what they say of the article, of us, or nothing at all.

Only what Sina says of the article itself may decide its fate. So a page that no layout knows is taken for Sina's word
only where it looks like a page of Sina's; anything else came from a proxy, a firewall or a server in trouble.
"""

from __future__ import annotations

import re

from sinanews.exceptions import NoAnswer, NotAnArticlePage, PageGone, Wall
from sinanews.pages.base import Source

FEW_WORDS = 1500  #: characters that a reader sees; a wall or an error has no more
HARDLY_ANY = 120  #: a page with a redirect and no more words is a stub
EXCUSE = 40  #: characters of a text that may be an excuse and no article
SMALL = 4000  #: characters of markup: no article page is so small, whatever it wears

#: All that is no visible word. Linear: what is never closed goes to the end.
NO_WORDS = re.compile(
    r"<!--.*?(?:-->|\Z)|<(script|style)\b.*?(?:</\1\s*>|\Z)|<p class=\"article-notice\".*?(?:</p>|\Z)"
    r"|<[^<>]*>|[\s\u3000]|&nbsp;",
    re.S | re.I,
)


def _any(*phrases: str) -> re.Pattern[str]:
    return re.compile("|".join(phrases), re.I)


# All of these are searched in words without white space.
_BAN = _any(
    "Kinsoku ?jikou ?desu",
    "(?:访问|请求|操作)(?:次数)?(?:过于|太)频繁",
    "您的(?:访问)?请求(?:已)?被(?:拒绝|拦截|阻断)",
    "您的?IP.{0,20}(?:异常|限制|封|禁)",
    "too ?many ?requests",
)
_EDITOR = re.compile("(?:责任)?编辑[：:].*")
_LOGIN_TITLE = _any(
    "新浪通行证",
    "Sina ?Visitor ?System",
    "用户登[录陆]",
    "登[录陆] ?[-—_|·]",
    "^(?:账号|会员|微博|新浪)?登[录陆]$",
)
#: What stands between us and the site, and what a page of few words shows of it.
_WALLS: dict[str, re.Pattern[str]] = {
    "banned": _BAN,
    "captcha": _any(
        "验证码",
        "人机(?:身份)?验证",
        "安全验证",
        "访问验证",
        "滑块",
        "拖动.{0,6}滑",
        "点击.{0,8}验证",
        "身份(?:核验|验证)",
        "captcha",
        "(?:areyou|youare|verify).{0,12}human",
        "nota(?:ro)?bot",
        "不是(?:一个)?机器人",
        "(?:disableanyad|enablejsand)",
        "checkingyourbrowser",
        "justamoment",
    ),
    "firewall": _any(
        "防火墙",
        "(?-i:WAF)",
        "firewall",
        "安全狗",
        "云盾",
        "云锁",
        "创宇盾",
        "加速乐",
        "拦截",
        "(?:访问|请求)(?:已)?被.{0,12}阻断",
        "对网站(?:可能)?造成(?:安全)?威胁",
        "(?:疑似|检测到)攻击",
        "访问(?:已|行为)?(?:受到?限制?|存在.{0,4}风险)",
        "异常流量|unusualtraffic",
        "incapsula|mod_?security|securityservicetoprotect|rayid",
        "拒绝(?:了)?(?:您的)?访问",
        "访问被(?:拒绝|禁止|阻止)",
        "禁止访问",
        "accessdenied",
        "403forbidden",
        "(?:been|was|is|page|request|access|you)(?:blocked|forbidden|rejected|denied)",
    ),
    "login": _any(
        "(?:请|需要?|重新|先|未)(?:您)?(?:先|重新)?登[录陆]",
        "登[录陆](?:后|以后|账号|帐号|密码)",
        "(?:账|帐)号登[录陆]",
        "忘记密码",
        "扫码登[录陆]",
        "通行证",
        "pleaselogin",
        "pleasesignin",
        "signinto",
        "logintocontinue",
        "loginrequired",
    ),
}
_LOGIN_FORM = re.compile(r"<input\b[^<>]*type\s*=\s*[\"']?password", re.I)
_CAPTCHA_CODE = _any("captcha", "geetest", "turnstile", "cf-chl", "cf_chl", "nc_token", "verifycode")
#: Words about the very article: only Sina says so.
_GONE = _any(
    "(?:该|此|本)?(?:篇)?(?:文章|内容|新闻|稿件|页面)已(?:经)?(?:被)?(?:作者|原作者)?(?:删除|下线|移除|撤回|撤稿)",
    "(?:文章|新闻|稿件|内容)(?:不存在|已?失效|未?找不到)",
    "您(?:要|所)?(?:访问|查看|浏览)的(?:文章|新闻).{0,8}(?:不存在|被?删除)",
)
#: Words of any server about any page; Sina's where the page is hers.
_NOT_FOUND = _any(
    "页面(?:没有|未)找到",
    "页面不存在",
    "找不到(?:该|此|您.{0,6})?页面",
    "您(?:要|所)?访问的页面.{0,8}(?:不存在|被?删除)",
    "404 ?(?:Page ?)?Not ?Found",
)
_TROUBLE = _any(
    "(?:系统|服务器?|网络|网站|请求)[^。]{0,4}(?:繁忙|忙碌|忙|异常|错误|故障|维护|升级|超时|不可用|开小差|出错)",
    "(?:稍[后候等]|过会儿?|晚[点些])(?:片刻)?(?:再试|重试|再来|再?访问|刷新)",
    "(?:访问|排队|在线)?(?:人数|人|流量|请求)过[多大]",
    "加载(?:失败|出错|异常)",
    "(?:出错|出问题)[了啦]",
    "(?:正在|已被?|触发)限流",
    "(?:正在)?排队中",
    "暂停(?:服务|访问)|暂时?(?:无法|不能)(?:访问|提供服务)",
    "badgateway",
    "gatewaytime-?out",
    "serviceunavailable",
    "temporarilyunavailable",
    "internalservererror",
    "server(?:is)?(?:too)?busy",
    "under(?:going)?maintenance",
    "tryagainlater",
    "proxyerror",
    "upstream",
    "squid",
    "connection(?:refused|timedout|reset)",
    r"(?:nginx|openresty|tengine|apache)(?:/[\d.]+)?$",
)
#: What goes with an excuse, and says nothing else.
_COURTESY = _any(
    "给?您?(?:的访问)?(?:带来|造成)(?:的)?不便",
    "(?:敬请|请您?|深表|我们)?(?:谅解|见谅|原谅|理解|歉意|耐心等待)",
    "非常抱歉|很抱歉|抱歉|对不起|亲爱的|尊敬的|用户|网友|您好|当前|目前|暂时|正在|页面|点击|重新|刷新|重试",
    "[请您你的了中吧哦啊]",
    r"[\W\d_]",
)
_LEADS_ON = re.compile(
    r"http-equiv\s*=\s*[\"']?refresh|location(?:\s*\.\s*(?:href|pathname))?\s*=(?!=)|location\s*\.\s*(?:replace|assign|reload)\s*\(",
    re.I,
)
#: What pages of Sina hold, whatever their layout: her hosts and scripts, the meta tags of her publishing systems.
_SINAS = re.compile(
    r"sinaimg\.cn|sinajs\.cn|//[\w.-]*\bsina(?:\.com)?\.cn/|SUDA_CODE|<meta[^<>]+(?:publishid|sudameta|stencil|mediaid)|<title>[^<>]*新浪",
    re.I,
)
#: Pages that show figures or pictures and no article; in their titles.
_NO_ARTICLE = re.compile(
    r"行情|股吧|走势图|分时图|净值|资金流向|图片杂志|电子杂志|画刊|画报|专题_|直播间|图集列表|滚动新闻"
)


def refuse_in_disguise(page: Source) -> None:
    """Walls and errors that wear an article's markup: few words, or how their title begins, tells them."""
    few_words = len(page.text) < SMALL
    named = re.Pattern.search if few_words else re.Pattern.match  # a real headline may speak of deleted articles
    if few_words and _BAN.search(page.text):
        raise Wall.named("banned", page.text[:200])
    if named(_LOGIN_TITLE, page.headline):
        raise Wall.named("login", f"a login page: {page.url}")
    if named(_GONE, page.headline) or named(_NOT_FOUND, page.headline):
        _not_found(page, page.headline)


def refuse_unknown(page: Source) -> None:
    """What a page that no layout knows says; returns for a page of Sina's that may be an article.

    Raises Wall, NoAnswer, PageGone or NotAnArticlePage.
    """
    words = NO_WORDS.sub("", page.text)
    few = len(words) < FEW_WORDS
    if few:
        _refuse_walls(page, words)
    if found := _GONE.search(words):
        raise PageGone(f"{found[0]}: {page.url}")
    if found := _NOT_FOUND.search(words):
        _not_found(page, found[0])
    if few and (found := _TROUBLE.search(words)):
        raise NoAnswer.named("trouble", f"{found[0]}: {page.url}")
    if len(words) < HARDLY_ANY and _LEADS_ON.search(page.text):
        raise NoAnswer.named("stub", f"a stub that leads elsewhere: {page.url}")
    if not words or _SINAS.search(page.text) is None:
        raise NoAnswer.named("no_answer", f"no page of Sina's, {len(words)} characters: {page.url}")
    if found := _NO_ARTICLE.search(_title(page)):
        raise NotAnArticlePage(f"{found[0]}: {page.url}")


def refuse_trouble_as_text(page: Source, body: str) -> None:
    """A server in trouble may put its excuse where the article was: on a small page, or as all that there is."""
    small, pictures = len(page.text) < SMALL, "<img" in body
    if pictures and not small:
        return
    words = _EDITOR.sub("", _first_words(body, 4 * EXCUSE))
    if not pictures and _is_mere_excuse(words):
        _refuse_walls(page, words)
        raise NoAnswer.named("trouble", f"{words[:EXCUSE]}: {page.url}")
    if small and len(words) < EXCUSE:
        _refuse_walls(page, words)
        if found := _TROUBLE.search(words):
            raise NoAnswer.named("trouble", f"{found[0]}: {page.url}")


def _first_words(markup: str, enough: int) -> str:
    """The words that a reader sees; of a long text only the first, more than ``enough`` of them."""
    beginning = markup[: 8 * enough].rpartition("<")[0]  # so that no tag or script is cut in two
    words = NO_WORDS.sub("", beginning)
    return words if len(words) > enough else NO_WORDS.sub("", markup)


def _is_mere_excuse(words: str) -> bool:
    """Whether a text has words of walls and trouble, and hardly any others.

    >>> _is_mere_excuse("很抱歉，系统繁忙，请稍后再试！"), _is_mere_excuse("虚山银行：系统繁忙，请客户稍后再试。")
    (True, False)
    """
    if len(words) > 2 * EXCUSE:
        return False
    rest = words
    for excuse in (_TROUBLE, *_WALLS.values()):
        rest = excuse.sub("", rest)
    return rest != words and len(_COURTESY.sub("", rest)) <= 2


def _refuse_walls(page: Source, words: str) -> None:
    for name, shown in _WALLS.items():
        if found := shown.search(words):
            raise Wall.named(name, f"{found[0]}: {page.url}")
    if _LOGIN_FORM.search(page.text):
        raise Wall.named("login", f"a login page: {page.url}")
    if len(words) < HARDLY_ANY and _CAPTCHA_CODE.search(page.text):
        raise Wall.named("captcha", f"a page that asks for a captcha: {page.url}")


def _not_found(page: Source, words: str) -> None:
    if _SINAS.search(page.text):
        raise PageGone(f"{words}: {page.url}")
    raise NoAnswer.named("not_found", f"{words}, and no page of Sina's: {page.url}")


def _title(page: Source) -> str:
    node = page.first("title")
    return node.text() if node is not None else ""

"""Every setting: its value, what Scrapy's default is, and for our own who reads it.

Each ``SINANEWS_…`` setting can come from the environment; ``-s NAME=VALUE`` on the command line wins.
"""

import logging
import os

from sinanews import user_agent

BOT_NAME = "sinanews"
SPIDER_MODULES = ["sinanews.spiders"]
NEWSPIDER_MODULE = "sinanews.spiders"
COMMANDS_MODULE = "sinanews.commands"

# --- our own -----------------------------------------------------------------------------------------------

#: Folder that posts are written to; relative paths mean the project's folder. Read by ExportPipeline, commands.
SINANEWS_EXPORTS = os.environ.get("SINANEWS_EXPORTS", "exports")
#: 0: no posts are written here; an article is done when the catalogue has it. Read by Run and verify.
SINANEWS_POSTS = os.environ.get("SINANEWS_POSTS", "1")
#: The catalogue: a SQLAlchemy URL, sqlite or postgresql+psycopg; empty: .catalogue.db in the exports folder. Read by
#: Run and commands.
SINANEWS_DATABASE = os.environ.get("SINANEWS_DATABASE", "")
#: 1: others work with the catalogue at the same time; 0: nobody does; empty: as the database is a server's, or a file.
#: Read by Run.
SINANEWS_SHARED = os.environ.get("SINANEWS_SHARED", "")
#: Name of the outgoing address, where machines that share a catalogue have several: those of one name share the pace
#: at which a host is asked, and its bans. Read by Run.
SINANEWS_ADDRESS = os.environ.get("SINANEWS_ADDRESS", "")
#: Seconds after which what a killed worker held is another's. Read by Run and workers.
SINANEWS_LEASE = os.environ.get("SINANEWS_LEASE", "60")
#: http://ADDRESS:PORT that serves https://HOST/PATH as /HOST/PATH; empty: the real site. Read by MirrorDownloadHandler.
SINANEWS_MIRROR = os.environ.get("SINANEWS_MIRROR", "")
#: Hosts beside Sina's that may be asked; comma list, subdomains included; *: any that is not private. Read by
#: GuardMiddleware and sina_finance.
SINANEWS_HOSTS = os.environ.get("SINANEWS_HOSTS", "")
#: clean: sanitised, without Sina's clutter; verbatim: the body as it came. Read by CleanPipeline, ExportPipeline.
SINANEWS_BODY = os.environ.get("SINANEWS_BODY", "clean")
#: What becomes of a copy of a story that is there: drop, mark or keep. Read by ExportPipeline.
SINANEWS_DUPLICATES = os.environ.get("SINANEWS_DUPLICATES", "drop")
#: 1: copies of the pictures that articles show, in images/ of the exports. Read by PicturePipeline, PostRenderer.
SINANEWS_IMAGES = os.environ.get("SINANEWS_IMAGES", "0")
#: Where a blog serves that folder, such as /images; empty: posts name the way to it from their own folder. Read by
#: PostRenderer.
SINANEWS_IMAGES_URL = os.environ.get("SINANEWS_IMAGES_URL", "")
#: Item fields to write after thumbnail, comma list; empty: the seed's keys exactly. Read by ExportPipeline.
SINANEWS_FRONT_MATTER_EXTRA = os.environ.get("SINANEWS_FRONT_MATTER_EXTRA", "")
#: What a post's tags are, comma list of keywords, stocks, media; empty: it has none. Read by ExportPipeline.
SINANEWS_TAGS = os.environ.get("SINANEWS_TAGS", "")
#: 1: a key excerpt with the article's summary. Read by ExportPipeline.
SINANEWS_EXCERPT = os.environ.get("SINANEWS_EXCERPT", "0")
#: 1: a link to the source as a post's last line. Read by ExportPipeline.
SINANEWS_SOURCE_LINK = os.environ.get("SINANEWS_SOURCE_LINK", "0")
#: gmt: dates as the seed writes them; beijing: Beijing's time, as Hexo writes it itself. Read by ExportPipeline.
SINANEWS_DATES = os.environ.get("SINANEWS_DATES", "gmt")
#: 1: keep every article's pages as they came (extra "originals"); all: the answers of lists too. Read by Run.
SINANEWS_ORIGINALS = os.environ.get("SINANEWS_ORIGINALS", "0")
#: How long they are kept since they were last met, such as 400d; empty: for ever. Read by Run.
SINANEWS_ORIGINALS_KEEP = os.environ.get("SINANEWS_ORIGINALS_KEEP", "")
#: Pages (of 50) that a run without dates reads of a channel at most. Read by sina_finance.
SINANEWS_MAX_PAGES = os.environ.get("SINANEWS_MAX_PAGES", "40")
#: Whether a channel whose newest entry is older than channels.py allows is reported. Read by sina_finance.
SINANEWS_STALE = os.environ.get("SINANEWS_STALE", "1")
#: Seconds between two looks at the live feed with follow=1. Read by sina_live.
SINANEWS_POLL = os.environ.get("SINANEWS_POLL", "30")
#: Seconds before the first retry; doubled each time, up to a minute. Read by the retry and ban middlewares.
SINANEWS_RETRY_DELAY = os.environ.get("SINANEWS_RETRY_DELAY", "2")
#: Seconds that a host is left alone after it banned us, where it names no time itself. Read by Run.
SINANEWS_COOLDOWN = os.environ.get("SINANEWS_COOLDOWN", "3600")
#: Refusals in a row, over all requests, after which the run ends as banned. Read by BanMiddleware and Run.
SINANEWS_BAN_LIMIT = os.environ.get("SINANEWS_BAN_LIMIT", "6")
#: Seconds that a host of companies' lists is left alone, once in a run, when it refuses. Read by sina_company.
SINANEWS_REFUSAL_WAIT = os.environ.get("SINANEWS_REFUSAL_WAIT", "330")
#: File with one share a line, the companies that sina_company reads unless told; relative: the project's folder. Read
#: by sina_company and schedule.
SINANEWS_WATCHLIST = os.environ.get("SINANEWS_WATCHLIST", "")
#: 1: the PDF of an announcement is fetched too, beside its post. Read by ExportPipeline and Attachments.
SINANEWS_ATTACHMENTS = os.environ.get("SINANEWS_ATTACHMENTS", "0")
#: Share of articles that may fail or be unreadable before a run counts as partly failed. Read by Run.
SINANEWS_TOLERATED = os.environ.get("SINANEWS_TOLERATED", "0.05")
#: Command that gets a run's findings as JSON on its standard input; empty: none. Read by Run.
SINANEWS_ALERT_COMMAND = os.environ.get("SINANEWS_ALERT_COMMAND", "")
#: Put into USER_AGENT: an address or URL at which you can be reached.
SINANEWS_CONTACT = os.environ.get("SINANEWS_CONTACT", "")
#: The schedule, in place of jobs.py's: a list of dicts (name, cron, spider, arguments), or it as JSON. Read by jobs.
SINANEWS_JOBS: str | list[dict[str, object]] = os.environ.get("SINANEWS_JOBS", "")
#: The zone of the schedule's cron expressions, such as Asia/Shanghai; empty: the machine's. Read by jobs.
SINANEWS_ZONE = os.environ.get("SINANEWS_ZONE", "")
#: Seconds after which a job that came to nothing is tried again; five times as long each time. Read by workers.
SINANEWS_JOB_DELAY = os.environ.get("SINANEWS_JOB_DELAY", "60")
#: 0: articles are not put into the full-text index, and no search finds them before a scrapy reindex. Read by Run and
#: commands.
SINANEWS_SEARCH = os.environ.get("SINANEWS_SEARCH", "1")
#: Feeds to write after each run: a list of dicts (file, arguments, search, limit, title, url), or it as JSON; empty:
#: none. Read by Run and feed.
SINANEWS_FEEDS: str | list[dict[str, object]] = os.environ.get("SINANEWS_FEEDS", "")
#: 0: neither a progress bar on a terminal nor a line each LOGSTATS_INTERVAL in a log. Read by progress.
SINANEWS_PROGRESS = os.environ.get("SINANEWS_PROGRESS", "1")

#: As LOG_LEVEL, which -L and -s set too.
SINANEWS_LOG_LEVEL = os.environ.get("SINANEWS_LOG_LEVEL", "INFO")

# --- a good guest ------------------------------------------------------------------------------------------

USER_AGENT = user_agent(SINANEWS_CONTACT)  # default: Scrapy's
ROBOTSTXT_OBEY = True  # default: False
ROBOTSTXT_USER_AGENT = "sinanews"  # default: USER_AGENT
DOWNLOAD_DELAY = 1.0  # seconds between two requests to a host; default: 0
DOWNLOAD_DELAY_JITTER = 0.0  # never less than the delay; default: 0.5, half to one and a half times
CONCURRENT_REQUESTS_PER_DOMAIN = 1  # default: 8
CONCURRENT_REQUESTS = 4  # what is under way when a run is killed is asked for again; default: 16
AUTOTHROTTLE_ENABLED = True  # slower when the site is slow; default: False
AUTOTHROTTLE_START_DELAY = 1.0  # default: 5
AUTOTHROTTLE_MAX_DELAY = 60.0  # default: 60
DEFAULT_REQUEST_HEADERS = {
    "Accept": "text/html,application/xhtml+xml,application/json;q=0.9,*/*;q=0.8",
    "Accept-Language": "zh-CN,zh;q=0.9",
}

# --- what may come in --------------------------------------------------------------------------------------

DOWNLOAD_MAXSIZE = 9 * 1024 * 1024  # bytes, after decompression too: no page read is larger; default: 1 GiB
DOWNLOAD_TIMEOUT = 60  # seconds; default: 180
DOWNLOAD_VERIFY_CERTIFICATES = True  # default: False
RETRY_TIMES = 3  # default: 2
RETRY_GIVE_UP_LOG_LEVEL = "DEBUG"  # the spiders say what failed; default: ERROR
SCHEDULER = "sinanews.scheduler.PatientScheduler"  # default: scrapy.core.scheduler.Scheduler
REDIRECT_MAX_TIMES = 5  # default: 20
DOWNLOAD_HANDLERS = {
    "http": "sinanews.downloads.MirrorDownloadHandler",
    "https": "sinanews.downloads.MirrorDownloadHandler",
    # Nothing else is ever asked for.
    "data": None,
    "file": None,
    "ftp": None,
    "s3": None,
}
COOKIES_ENABLED = False  # also spares the download of the public-suffix list; default: True
TELNETCONSOLE_ENABLED = False  # default: True
REMOTE_CONTROL_ENABLED = False  # it runs Python for whoever connects; default: True
METAREFRESH_ENABLED = False  # Sina's old pages reload themselves; default: True

# --- the way of the data -----------------------------------------------------------------------------------

DOWNLOADER_MIDDLEWARES = {
    "sinanews.middlewares.guard.GuardMiddleware": 40,
    "sinanews.middlewares.claims.ClaimMiddleware": 45,
    "scrapy.downloadermiddlewares.offsite.OffsiteMiddleware": None,  # the guard knows more
    "scrapy.downloadermiddlewares.httpauth.HttpAuthMiddleware": None,
    "scrapy.downloadermiddlewares.retry.RetryMiddleware": None,
    "scrapy.downloadermiddlewares.robotstxt.RobotsTxtMiddleware": None,
    "sinanews.middlewares.robots.TerseRobotsTxtMiddleware": 100,
    "sinanews.middlewares.retries.PatientRetryMiddleware": 550,
    "sinanews.middlewares.bans.BanMiddleware": 560,
    "scrapy.downloadermiddlewares.httpcompression.HttpCompressionMiddleware": None,
    "sinanews.middlewares.unpacking.FrugalCompressionMiddleware": 590,
    "sinanews.middlewares.completeness.CompletenessMiddleware": 595,  # it has to see the packed body
}
ITEM_PIPELINES = {
    "sinanews.pipelines.CleanPipeline": 100,
    "sinanews.pipelines.DedupPipeline": 200,
    "sinanews.pipelines.ExportPipeline": 300,
    "sinanews.pictures.pipeline.PicturePipeline": 400,
}
SPIDER_MIDDLEWARES = {"sinanews.run.middleware.RunMiddleware": 10}
EXTENSIONS = {
    "sinanews.run.extension.Run": 10,
    "sinanews.run.shutdown.Shutdown": 15,
    "sinanews.attachments.Attachments": 18,
    "sinanews.terminal.progress.Progress": 20,
    "scrapy.extensions.logstats.LogStats": None,  # Progress says it in articles
}
#: Pipelines write to one disk and one database: more at once gains nothing.
CONCURRENT_ITEMS = 8  # default: 100

# --- what is said ------------------------------------------------------------------------------------------

FEED_EXPORTERS = {
    "csv": "sinanews.posts.exporter.SafeCsvItemExporter",  # default: scrapy.exporters.CsvItemExporter
    "xml": "sinanews.posts.exporter.SafeXmlItemExporter",  # default: scrapy.exporters.XmlItemExporter
}
FEED_EXPORT_ENCODING = "utf-8"  # default: None, which escapes Chinese in JSON
LOG_LEVEL = (
    SINANEWS_LOG_LEVEL if isinstance(logging.getLevelName(SINANEWS_LOG_LEVEL), int) else "INFO"
)  # default: DEBUG
LOG_VERSIONS: list[str] = []  # default: a list of libraries
LOG_FORMATTER = "sinanews.terminal.log.QuietLogFormatter"  # drops at DEBUG; default: scrapy.logformatter.LogFormatter
STATS_DUMP = True  # default: True
LOGSTATS_INTERVAL = 60.0  # seconds between two lines of Progress; default: 60

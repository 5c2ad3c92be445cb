"""Of the workers that share a catalogue one asks for an article."""

from __future__ import annotations

from scrapy import Request
from scrapy.crawler import Crawler

from sinanews.catalogue.claims import CLAIM, Wanted
from sinanews.exceptions import CatalogueError, ClaimedElsewhere, RunStopping
from sinanews.run.extension import Run
from sinanews.scheduler import WAIT

WAITED = "sinanews_claim_waited"  #: key of a request's meta: seconds that it has waited for another worker's claim
FIRST_WAIT = 1.0  #: seconds
MARGIN = 1.5  #: leases: after so long whoever holds a claim has renewed it, and lives


class ClaimMiddleware:
    """Claims the article of a request just before it is downloaded, where others may want it too.

    What another worker holds waits in the scheduler, like a retry: the other one may be killed, and its claims lapse.
    Once it is done, or its holder is known to live, it is let go of.
    """

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> ClaimMiddleware:
        return cls(crawler)

    async def process_request(self, request: Request) -> Request | None:
        wanted: Wanted | None = request.meta.get(CLAIM)
        run = Run.of(self.crawler)
        if wanted is None or run.fleet is None or wanted.key in run.catalogue.claims.held:
            return None
        try:
            claimed = await run.fleet.claim(wanted)
        except CatalogueError as error:
            run.stop_run(error)
            raise RunStopping from None
        if claimed.won:
            return None
        waited = float(request.meta.get(WAITED, 0))
        if claimed.done or waited > MARGIN * run.fleet.lease:
            run.count("articles/claimed_elsewhere")
            raise ClaimedElsewhere(f"another worker has {wanted.key}")
        wait = min(max(FIRST_WAIT, waited), run.fleet.lease / 4)
        return request.replace(meta={**request.meta, WAIT: wait, WAITED: waited + wait}, dont_filter=True)

"""Pictures of articles that were archived before SINANEWS_IMAGES was on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from sinanews import arguments
from sinanews.arguments import since_when
from sinanews.posts.pictures import pictures_of
from sinanews.spiders.base import ArchiveSpider


class SinaImagesSpider(ArchiveSpider):
    """Notes the pictures of exported articles, newest first; PicturePipeline fetches what is noted."""

    name = "sina_images"
    custom_settings = {"SINANEWS_IMAGES": True}
    ARGUMENTS = {"since": arguments.day_or_age, "limit": arguments.positive}

    async def start(self) -> AsyncIterator[Any]:
        run, left = self.run, self.options.get("limit", float("inf"))
        since = since_when(self.options["since"], run.now()) if "since" in self.options else None
        for row in run.catalogue.due.exported(since):
            self.leave_if_stopping()
            if left <= 0:
                break
            try:
                kept = run.catalogue.contents.get(row.id, row.revision)
            except ValueError:  # damaged: scrapy verify tells
                continue
            if kept is not None and (urls := pictures_of(kept[0])):
                await run.write(run.catalogue.pictures.want, row.id, urls, run.now())
                left -= 1
        return
        yield  # it asks for nothing itself

"""The archive's copies of an article's pictures, as its post names them."""

from __future__ import annotations

from sinanews.catalogue import Catalogue
from sinanews.posts.exporter import PostRenderer
from sinanews.posts.pictures import address


def copies_for(catalogue: Catalogue, render: PostRenderer, article_id: str, post: str) -> dict[str, str]:
    """URL of a picture → where the post, a path below the exports folder, finds its copy; none unless it is to."""
    if render.images_url is None:
        return {}
    return {url: address(path, post, render.images_url) for url, path in catalogue.pictures.paths(article_id).items()}

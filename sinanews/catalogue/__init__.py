"""The catalogue: what is known, done, refused, and how runs went. One database, any number of spiders."""

from sinanews.catalogue.catalogue import Catalogue, Known, next_try

__all__ = ["Catalogue", "Known", "next_try"]

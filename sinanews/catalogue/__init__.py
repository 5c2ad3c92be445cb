"""The catalogue: what is known, done, refused, and how runs went. One database, any number of spiders."""

from sinanews.catalogue.catalogue import Catalogue, Remembered, next_try

__all__ = ["Catalogue", "Remembered", "next_try"]

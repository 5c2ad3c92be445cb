"""sinanews: collects Sina Finance's news into an archive of front-matter posts."""

__version__ = "1.0.0"

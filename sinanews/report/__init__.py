"""The page that ``scrapy report`` writes: one file with charts, tables and a search over titles."""

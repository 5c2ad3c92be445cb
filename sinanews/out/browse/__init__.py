"""``scrapy browse``: the catalogue in a browser, with Datasette; read-only, on this machine alone.

views.py is what one sees of the catalogue, plugin.py what Datasette does not know: search, texts, pages of articles;
server.py starts it. Datasette is imported when it is started only.
"""

"""Full text: which articles have these words, as a look through every title and body would find them.

In: a query as people type it. Out: ids of exported articles, the newest or the best first. Start reading at query.py,
what is asked for; folding.py says when two texts are the same to a search; index.py keeps the index in the
transaction that records the article; sqlite.py and postgresql.py find the same in their databases' ways.
"""

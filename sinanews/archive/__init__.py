"""Steps 4 to 6 together, for who stores an article: one decision, one file, one commit; and posts as a view of it all.

In: cleaned items with their fingerprints, or what the catalogue keeps. Out: posts and rows that agree. Nothing here
knows a crawler. Start reading at storing.py; rewriting.py makes posts anew, old_posts.py reads those from before 2.0.
"""

"""Step 1: what is there?

In: the answers of Sina's lists as bytes (the roll API, the 7x24 feed and its second feed). Out: rows (``Listing``), and
how far to page for them (``Pager``), with what that proves: listed until when, which days, which gaps. Pure.
Start reading at channels.py (what can be listed), then roll.py (an answer), plans.py and paging.py (how far); live.py
and cursor.py are the same of the 7x24 service.
"""

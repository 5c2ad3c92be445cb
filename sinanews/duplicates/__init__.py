"""Step 4: do we have it already?

In: a cleaned item, and what the catalogue knows. Out: its fingerprint, and one decision: new, a revision, unchanged, a
copy of another, or the better copy that takes the other's place. Pure, but for index.py, which runs inside the
catalogue's transactions. Start reading at decision.py; fingerprint.py says when two texts tell one story.
"""

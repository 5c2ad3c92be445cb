"""How runs went, and whether a person is needed.

In: a run's counts (its ``sinanews/…`` stats), the earlier runs, the state of the catalogue and the posts. Out: the
outcome with its exit code, findings of monitors, an alert, the archive's summary, mismatches of posts and catalogue.
Start reading at outcomes.py, then monitors.py; summary.py gathers what status and report show.
"""

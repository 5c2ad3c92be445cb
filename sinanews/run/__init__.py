"""The life of a run, whoever starts its spider: begun, judged, recorded, told, its lock given back.

extension.py is that life, begun by middleware.py with the spider's start(); ledger.py is what spiders and pipelines
tell the run of each article; shutdown.py and interrupts.py end it within seconds when it is asked to end.
"""

"""The life of a run, whoever starts its spider: begun, judged, recorded, told, its lock given back.

extension.py is the run itself, which spiders and pipelines tell what became of each article; shutdown.py and
interrupts.py end it within seconds when it is asked to end.
"""

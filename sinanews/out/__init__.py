"""The archive as something to ask: which articles (filters), in which order (articles), and the ways out of it.

In: a catalogue, opened to read only. Out: ``Article``, one after the other, however many there are. Start reading at
archive.py; each way out is a small class over the one iterator. Nothing here writes into catalogue or posts.
"""

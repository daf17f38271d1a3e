"""Turns uploaded PDFs into chapters of books, as jobs that clients poll.

Nothing is imported here: a rendering child loads this package too, and must stay small.
"""

__version__ = "0.1.0"

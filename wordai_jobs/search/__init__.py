"""Finds words in the text of pages: what a word is, the index of a chapter, and where a hit is."""

"""Uploads, books and chapters: what callers may do with them, and nothing about HTTP."""

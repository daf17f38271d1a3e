"""Plain data, without I/O: jobs, uploads, books, chapters and pages."""

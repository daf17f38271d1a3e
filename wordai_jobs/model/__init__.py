"""The things the service is about: jobs, uploads, books, chapters and pages. Plain data; no I/O."""

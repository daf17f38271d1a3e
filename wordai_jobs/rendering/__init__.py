"""PDF pages to images and words, in child processes that may crash, hang or run out of memory
without harm.

`page`, `document` and `child` run inside the children, which `fork_server` forks from a process of
its own; those import PyMuPDF and Pillow. `forks`, `process`, `task` and `pool` run in the server
and import neither.
"""

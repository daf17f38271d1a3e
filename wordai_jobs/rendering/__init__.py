"""PDF pages to images and words, in child processes that may crash, hang or run out of memory without harm.

`page`, `document` and `child` run inside the children and import PyMuPDF and Pillow; `process`, `task` and `pool` run in
the server and import neither.
"""

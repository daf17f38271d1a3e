"""Turns pages of PDFs into images and words, in child processes that may crash, hang or run out of
memory without harm.

`page`, `document` and `child` run inside the children, which `fork_server` forks from a process of
its own; these import PyMuPDF and Pillow, and `sandbox` confines them. The server runs the
other modules, of which `pool` and `inspector` are what it calls, and imports neither. Both sides
import `protocol`: what they say to each other.
"""

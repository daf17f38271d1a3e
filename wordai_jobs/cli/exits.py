"""The exit codes of the commands."""

from enum import IntEnum


class Exit(IntEnum):
    DONE = 0
    FAILED = 1  # the job has failed, or the command could not be carried out
    USAGE = 2  # the same number as click uses
    REFUSED = 3  # the server cannot be reached, or refuses the request
    INTERRUPTED = 130  # 128 plus the number of SIGINT, as shells do


MEANINGS = """\b
Exit codes:
  0    done; with --wait or --watch, the job has completed
  1    the job has failed, or the command could not be carried out
  2    wrong usage
  3    the server cannot be reached, or refuses the request
  130  interrupted with Ctrl-C; the job continues
"""

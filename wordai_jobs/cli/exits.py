"""How a command ends, in a number that a script can read."""

from enum import IntEnum


class Exit(IntEnum):
    DONE = 0
    FAILED = 1  # the job has failed, or the command could not do its work
    USAGE = 2  # click's own number for it
    REFUSED = 3  # the server cannot be reached, or has refused
    INTERRUPTED = 130  # 128 and the number of SIGINT, as shells have it


MEANINGS = """\b
Exit codes:
  0    done; where a job was waited for, it has completed
  1    the job has failed, or the command could not do its work
  2    wrong usage
  3    the server cannot be reached, or refuses
  130  interrupted with Ctrl-C; a job that was waited for goes on
"""

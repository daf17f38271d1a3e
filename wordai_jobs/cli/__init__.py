"""The command line `wordai-jobs`: a user's side, over HTTP, and an operator's, on the server's
machine.

A command loads what it needs when it runs: those of a user work without the server's libraries.
"""

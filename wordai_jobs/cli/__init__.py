"""The command line `wordai-jobs`: commands for users, over HTTP, and for operators, on the server.

Each command loads the server's libraries only if it needs them.
"""

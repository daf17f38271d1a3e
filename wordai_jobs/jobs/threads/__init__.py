"""The default engine: jobs run on threads of the server that has accepted them.

The sweep ends a job whose server died.
"""

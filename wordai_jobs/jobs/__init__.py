"""The life of a job: enqueued, queued, run step by step, ended.

The sweep ends a job whose server died.
"""

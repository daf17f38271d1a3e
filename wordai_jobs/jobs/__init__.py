"""The life of a job: taken in, queued, run step by step, ended; and ended by somebody else where
its server died.
"""

"""What is counted and measured, for Prometheus. No label names a user, a job, a file or free text.

Each application has a registry of its own. The parts of the server are handed their group of
metrics and call its verbs; a group made without a registry counts for nobody, which suits a part
that is used alone.
"""

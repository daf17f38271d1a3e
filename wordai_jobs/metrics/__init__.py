"""Metrics for Prometheus: the registry, its port, and gauges. No label names a user, job or file.

Each application has a registry of its own. Each package keeps its own group of metrics, such as
`jobs/metrics.py`; a group made without a registry is not exported, which suits a part that is used
alone.
"""

"""Metrics for Prometheus: the registry, its port, and gauges. No label names a user, job or file.

Each application has its own registry, and each package its own group of metrics, such as
`jobs/metrics.py`. A group without a registry is not exported; commands without a server use those.
"""

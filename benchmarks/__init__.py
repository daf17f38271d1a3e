"""Measures how fast the service is, and how fast it could be: `make bench`.

All load goes to loopback, and is bounded in count and time.
"""

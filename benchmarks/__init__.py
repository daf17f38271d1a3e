"""How fast the service is, beside what it could be: `make bench`. Load goes to loopback, bounded in
count and time.
"""

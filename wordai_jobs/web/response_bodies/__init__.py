"""The bodies of successful responses and of errors: each field once, in the contract's order.

The OpenAPI document is generated from these types, with the fields' examples. A key that is
NotRequired is left out when it does not apply; it is never null. Times are written as
`web.json` writes them.
"""

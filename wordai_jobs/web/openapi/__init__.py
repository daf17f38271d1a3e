"""The OpenAPI document: what each view says of itself with `@Operation(…)`, and the types of its
bodies, put together.
"""

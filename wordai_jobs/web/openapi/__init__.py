"""The OpenAPI document, made from the views' descriptions of themselves (`@Operation(…)`) and the
types of their bodies.
"""

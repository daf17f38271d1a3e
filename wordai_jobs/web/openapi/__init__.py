"""The OpenAPI document: what each view says of itself with `@operation`, and the types of its bodies, put together."""

"""HTTP: blueprints, authentication of requests, errors and CORS. Translates, decides nothing."""

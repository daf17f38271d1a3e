"""HTTP: blueprints, authentication, errors and CORS. It translates, and decides nothing."""

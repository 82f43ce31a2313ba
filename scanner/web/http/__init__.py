"""The HTTP server below API with pages: limits, access, TLS."""

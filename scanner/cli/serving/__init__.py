"""Commands that run the service, or ask one that runs."""

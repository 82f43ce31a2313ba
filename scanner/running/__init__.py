"""The program put together: settings become adapters, adapters become the running service."""

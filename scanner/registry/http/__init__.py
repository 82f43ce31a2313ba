"""How a registry is asked: the only place that knows httpx."""

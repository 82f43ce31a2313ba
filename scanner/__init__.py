"""Finds every container in a fleet that cannot start because its image was built for another CPU."""

"""Kubernetes objects with the pods that they plan."""

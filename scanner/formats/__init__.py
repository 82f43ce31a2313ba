"""Bounded, strict reading of what strangers wrote, with a budget."""

"""Platforms: their canonical spelling, CPU levels, emulators."""

"""Hosts are read by other processes, on this machine or inside of other networks."""

"""Ansible inventories in each of their forms."""

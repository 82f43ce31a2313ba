"""What is remembered between scans."""

from scanner.store.error import StoreError
from scanner.store.findings import Architecture
from scanner.store.store import Store

__all__ = ["Architecture", "Store", "StoreError"]

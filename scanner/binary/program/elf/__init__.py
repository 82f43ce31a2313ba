"""ELF files, read the way their kernel, then their loader reads them."""

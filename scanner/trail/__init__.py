"""The tamper-evident log of every decision: an append-only Merkle tree, signed outside the store."""

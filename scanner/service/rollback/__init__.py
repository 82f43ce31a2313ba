"""The way back: plans, confirmations, the agent's story."""

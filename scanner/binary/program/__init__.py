"""What will be executed: from argv through scripts to the binary with its loader."""

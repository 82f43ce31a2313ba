"""What supervisors are to start."""

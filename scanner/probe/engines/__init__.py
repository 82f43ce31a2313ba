"""What each container engine of a host says."""

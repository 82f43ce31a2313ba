"""What a host is asked, together with what its answer means."""

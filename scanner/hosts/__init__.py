"""How a host's answer arrives."""

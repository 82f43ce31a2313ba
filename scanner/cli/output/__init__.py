"""What commands print or write, in the format that was asked for."""

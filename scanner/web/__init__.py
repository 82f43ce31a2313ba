"""What people or programs see over HTTP."""

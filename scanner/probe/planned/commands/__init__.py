"""Commands of container engines, wherever a line or a script starts them."""

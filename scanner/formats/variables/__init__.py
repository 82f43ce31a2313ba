"""Files of variables as each of their readers takes them, with what puts variables into text."""

"""Images in files, read as a registry's are, before anybody pushed them."""

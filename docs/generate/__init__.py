"""The pages of the manual that are made from the code: ``python -m docs.generate`` writes them."""

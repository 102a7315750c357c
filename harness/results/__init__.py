"""Records and what is computed from them. Imports nothing of the worker's side."""

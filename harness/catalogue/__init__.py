"""Which plugins there are: found from metadata and source files, without importing any of them."""

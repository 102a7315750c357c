"""Runs on disk: read, compared, merged and reported. Starts no worker."""

"""The host's own metrics by hook, and what checks and computes those of everybody. Imports no torch."""

"""Parts for plugins: input encodings, readouts, an optimizer, shared networks. Imports torch."""

"""Parts for plugins: encodings, readouts, optimizers, shared parameters, networks and hooks. Imports torch.

`docs/plugin-guide.md` lists the modules.
"""

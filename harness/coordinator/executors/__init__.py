"""Where trials run: on this machine (`local`), or on the nodes of a cluster (`dask`)."""

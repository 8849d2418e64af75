"""Where a region runs. One module per platform; every cluster offers the same outputs."""

"""Controllers of other projects, run as processes against the regions' API servers."""

"""The sorted URNs of every stack. A URN is an API: a rename needs an alias and a line in the changelog."""

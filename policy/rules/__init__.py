"""The rules, one module each. `exposure_networks` is a part of `exposure`."""

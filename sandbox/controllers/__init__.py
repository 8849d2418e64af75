"""Runs controllers, proxies and containers of the sandbox's regions for real, in network namespaces of this machine."""

"""Real controllers, proxies and containers for a deployed stack: they read and write its regions' API servers."""

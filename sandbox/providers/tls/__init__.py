"""Stand-in for the `tls` provider: real keys, requests and X.509 certificates."""

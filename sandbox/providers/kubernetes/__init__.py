"""Stand-in for the Kubernetes provider: real objects on a real API server, the official provider's decisions."""

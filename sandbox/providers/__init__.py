"""Provider stand-ins: each serves the Pulumi provider protocol for one package."""

"""The stand-in for Azure's native provider, which Pulumi calls `azure-native`."""

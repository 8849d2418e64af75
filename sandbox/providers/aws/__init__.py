"""The stand-in for Amazon Web Services' provider."""

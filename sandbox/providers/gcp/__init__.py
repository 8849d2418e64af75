"""The stand-in for Google Cloud's provider."""

"""What the stand-ins of the clouds share."""

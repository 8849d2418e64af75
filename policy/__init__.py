"""The policy pack: rules for every stack, which the engine checks before it changes anything."""

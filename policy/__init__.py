"""The policy pack: what every stack must keep to, checked by the engine before it changes anything."""

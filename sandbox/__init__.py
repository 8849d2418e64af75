"""The real engine, control planes and provider stand-ins, for machines without cloud or internet."""

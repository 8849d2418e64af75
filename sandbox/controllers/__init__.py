"""Real controllers of a deployed stack: programs that read and write its regions' API servers."""

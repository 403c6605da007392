"""The same agent with three frameworks, or rather two and none."""

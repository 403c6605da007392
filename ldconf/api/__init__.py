"""The HTTP edge: one async client with one limiter, reading the live state, and applying a plan."""

"""The local LaunchDarkly: one ASGI app over one store. Knows nothing of the planner or client."""

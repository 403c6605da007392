"""The page at `/`: what the local LaunchDarkly holds and what its SDKs do, for people."""

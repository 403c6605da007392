"""Experiments: bodies, semantic patch, and the rollout in targeting (reference 13)."""

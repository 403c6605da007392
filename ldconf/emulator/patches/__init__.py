"""Interpreters of patches: JSON patch, and semantic patches of targeting and segments. Pure."""

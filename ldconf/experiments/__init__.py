"""Experiments: from events to counts, estimates and a decision (statistics notes)."""

"""Policies on plans: pure checks of the JSON that `ldconf plan --format json` writes."""

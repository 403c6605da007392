"""GitHub's side of the delivery: events, comments, artifacts, refs, pull requests.

Small on purpose: the few endpoints that the action needs, through one client.
"""

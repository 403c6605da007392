"""Bad workspaces, one behaviour each, with the exact diagnostics that they must give."""

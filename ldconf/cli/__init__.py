"""The command line: options, one workflow call, one drawing, one exit code per command."""

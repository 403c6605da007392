"""The words of the domain: addresses, resources, changes, diagnostics. No I/O."""

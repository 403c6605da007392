"""The event store: what SDKs report, kept in DuckDB, and what can be asked of it."""

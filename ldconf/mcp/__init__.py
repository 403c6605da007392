"""The MCP server: tools on files and plans for editors and assistants (extra `mcp`)."""

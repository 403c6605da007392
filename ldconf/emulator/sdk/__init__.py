"""What server-side SDKs need: flags by stream and poll, in both protocols; a way for events in."""

"""Desired, live and base maps in, one `Plan` out. Pure: no clock, file, network or global."""

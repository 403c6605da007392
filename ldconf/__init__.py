"""Infrastructure as code for LaunchDarkly AI Configs."""

__version__ = "0.1.0"

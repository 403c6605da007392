"""Which variation a context gets, told by LaunchDarkly's own SDK over compiled flags.

Nothing here decides anything: the SDK's evaluator chooses, the AI SDK renders.
"""

"""The reference agent: a pet store's assistant, configured by LaunchDarkly.

Start reading at `pet_store.py`: it is the example to copy.
"""

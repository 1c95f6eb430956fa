"""Logging in by WeChat: codes of the mini program, and the accounts they are bound to."""

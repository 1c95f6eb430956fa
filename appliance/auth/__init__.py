"""Accounts, sessions, roles, and the guards of the routes."""

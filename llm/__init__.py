"""Consultation: the local language model, triage by rule, and the client for both. Imports no sibling package."""

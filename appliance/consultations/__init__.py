"""Consultations: a question, its triage, the answer, and their record."""

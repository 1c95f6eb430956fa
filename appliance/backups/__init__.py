"""Backups that an admin asks for from the pages, and what became of all of them."""

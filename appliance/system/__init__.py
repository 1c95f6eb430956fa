"""What keeps the box itself in order: its jobs, its audit log, its housekeeping, what it is made of."""

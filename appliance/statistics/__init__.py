"""How the box is used, counted by day."""

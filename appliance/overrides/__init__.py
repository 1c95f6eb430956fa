"""Settings that an admin may change while the box runs, laid over those of the file and the environment."""

"""The box: HTTP API, jobs, storage, command line."""

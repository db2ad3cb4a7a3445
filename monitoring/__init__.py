"""Observability for any Python service: the daemon is its first user. Imports nothing of it."""

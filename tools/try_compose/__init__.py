"""Bring the containers up for real: `python -m tools.try_compose`."""

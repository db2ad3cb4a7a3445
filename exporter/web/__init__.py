"""The daemon's HTTP side: an ASGI application, and the server around it."""

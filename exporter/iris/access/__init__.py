"""The way to an instance.

- connection.py: where it is; calls.py: what can be said; errors.py: what can go wrong.
- session.py: what the rest of the daemon uses; worker_process.py: the process behind it;
  messages.py: how both talk.
- worker.py: that process; driver.py: the only user of the driver; tls.py, fetching.py: what it
  needs for TLS, and for HTTP; classify.py: what the driver's texts mean.
"""

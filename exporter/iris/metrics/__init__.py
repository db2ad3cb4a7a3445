"""What an instance gives as metrics.

- sensors.py: the text that IRIS publishes itself.
- statistics.py: what is asked besides; counters.py, ecp.py, states.py, databases.py: the parts of
  it; rows.py: how a part is read and shown.
- system_performance.py: the state of ^SystemPerformance; durations.py: how long calls take;
  merging.py: several instances on one page.
"""

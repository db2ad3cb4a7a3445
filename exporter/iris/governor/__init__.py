"""Protects the host: decides from CPU and memory whether ^SystemPerformance may collect.

decision.py decides, and does nothing else; governor.py remembers for one instance; pressure.py
reads this host; families.py are the metrics.
"""

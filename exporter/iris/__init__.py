"""InterSystems IRIS: its metrics, its ^SystemPerformance, and what protects its host.

- control.py: the library's functions, for programs and for the command line (cli/).
- settings.py: what can be set; options.py: to what; instances.py: for each instance;
  secret_files.py: its secrets.
- collector.py: all instances on the page; instance.py: the life of one; condition.py: how it is;
  poll.py: reads it; keeper.py: keeps ^SystemPerformance as it is wanted.
- access/: the way there; metrics/: what is read; system_performance/: what is controlled;
  governor/: what decides; check/: what works, and what is missing.
"""

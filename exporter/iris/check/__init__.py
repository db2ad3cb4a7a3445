"""What works with an instance, what rights it lacks, and whether our assumptions hold there.

checks.py: each thing that we need, tried; recording.py: the scrubbed record of that, for
assumptions.py, which lists what was never seen on a real server.
"""

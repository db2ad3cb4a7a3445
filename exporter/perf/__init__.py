"""Counters of the CPU and of the kernel, by `perf stat` or by perf_event_open(2).

events.py: what can be counted. probe.py: what this host lets be counted, and rights.py why not.
command.py: the perf program's command lines; child.py: the process; sampler.py: its life.
output.py: what it prints; names.py: which event a printed name means. counters.py: the totals, and
the metrics made of them. syscall.py and pmu.py: the same without the program.
"""

"""Counters of the CPU and of the kernel, by `perf stat` or by perf_event_open(2).

What both have in common:
- events.py: what can be counted; help_texts.py: what that is, in words.
- findings.py: what this host lets be counted; rights.py: why not, and what helps.
- source.py: how the collector asks either of them; counters.py: totals and metrics.
- patience.py: how long to wait for what; states.py: what is said in the log.

By `perf stat`, from the collector inwards:
- sampler.py: the life of perf, in a thread; wakeup.py: what wakes that.
- plan.py: what is to be counted next; probe.py: finds it out, by trying.
- turn.py: one child, from start to end; child.py: the process; command.py: its command line.
- intake.py: what a child prints, by interval; output.py: a line of it; names.py: what a name means.

By perf_event_open(2), from the collector inwards:
- syscall.py: the counters, read at each scrape.
- trial.py: finds out what can be counted, by trying.
- counting.py: a group of events on all its CPUs.
- pmu.py: what the kernel calls an event; perf_event.py: the system call.
"""

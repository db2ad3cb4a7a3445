"""^SystemPerformance under control: what is wanted, what there is, and the steps between.

- policy.py: what is wanted; marks.py: who has decided whether it collects.
- observation.py: what there is, read from profiles.py, tasks.py (each a Task of task.py), runs.py
  and reports.py.
- plan.py: the steps that are missing; steps.py: what each does; reconcile.py: does them.
- commands.py: two ways to call the routine; wrapper.py: the functions of one of them;
  objectscript.py: every statement that is run in IRIS; statuses.py: what it answers.
- status_document.py: all of it for a reader; daily_reports.py: the collecting of IRIS itself.
"""

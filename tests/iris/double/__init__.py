"""A superserver for tests: the real driver takes it for an instance of IRIS.

    with Double(Instance(clock)) as double, Session(double.connection()) as session:
        double.faults.next_call(Hang())

hooks.py      what the protocol asks of an instance; its errors, references and rows
server.py     `Double`: listens, counts, records requests, stops and starts again
link.py       one connection: frames, waiting, hanging up
login.py      the handshake and the login
native.py     methods, properties, globals
sql.py        statements
wire.py       the elements of the $LIST encoding
faults.py     what goes wrong, when a test wants it
scripted.py   an instance whose every answer is a function of the test
assumptions.py   what is assumed about real servers, with its evidence

The other rooms are one modelled instance:

instance.py   `Instance`: what the protocol asks, and what tests set and move; begin here
clock.py      its local time, which tests move
privileges.py, licence.py   who may do what, and how many may come in
globals.py, files.py, objects.py, status.py   what it stores, and how it says that something failed
performance_runs.py, report.py   ^SystemPerformance: profiles, runs, reports
tasks.py, task_values.py, task_schedule.py   the Task Manager
objectscript.py, expressions.py, script_values.py   the language that tasks and functions are in
executed_code.py   what such code can reach
statements.py, functions.py   SQL: tables, and functions that somebody has installed
sensors_text.py, statistics.py, startup.py   sensors (texts in sensors/), counters, parameters
"""

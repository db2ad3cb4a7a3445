"""Observability for any Python service: the daemon is its first user. Imports nothing of it.

Five parts, each of which can be used without the others (docs/library.md shows how):

structured_logging: JSON lines with correlation ids, without secrets
    correlation, inheritance, trace_context: the ids, and how they are handed on
    log_events, log_performance, log_sampling: alerts, measured operations, dropped records
    log_lines, plain_values: a record becomes a line
    redaction, secret_keys, secret_forms, secret_values: what is kept out of it
    log_stream, log_descriptor, after_fork: it is written, whatever its stream does
    log_settings, logging_config, strict_yaml: how it is configured
    log_capture: what Python itself would print
health_check: is the service alive, is it ready, and if not, why
    check_result, check_runner: what checks say, and their deadlines
    ready_checks, certificate: checks to register
graceful_shutdown: what is open is closed, in order and in time
    shutdown_run, shutdown_cleanups: the cleanups
    signal_watch, process_end: from the signal to the exit code
performance: requests by handler, method and code; resources
    request_counts, trend, resource_thresholds: what is counted and judged
cleanup: removal of old files and expired sessions
    cleanup_rules, owned_folder, cleanup_sweep, cleanup_account: what goes, and what was done

`metrics` is the plain data in which all of them give their metrics, and `testing` a pytest fixture.
"""

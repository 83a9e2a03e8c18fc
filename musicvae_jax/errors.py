"""Errors and exit codes of the command lines."""

EXIT_FAILED = 1
EXIT_BAD_INPUT = 2
# BSD's EX_TEMPFAIL: try again later. Job scripts can requeue the job on it.
EXIT_STOPPED = 75
EXIT_INTERRUPTED = 130
# 128 + SIGPIPE: standard output is no longer read.
EXIT_UNREAD = 141


class InputError(ValueError):
    """Bad input from the user: a file, an option or a folder.

    The message is one line that says what arrived, what was expected and where (file, row,
    column). The command line prints it and exits with EXIT_BAD_INPUT; library code can catch it as
    a `ValueError`.
    """


class StoppedError(KeyboardInterrupt):
    """The user or a signal stopped the work; not a failure."""

"""How the command lines fail: the error that is the user's to mend, and the exit codes."""

EXIT_FAILED = 1
EXIT_BAD_INPUT = 2
# BSD's EX_TEMPFAIL: try again later. Schedulers take it for "put this job back".
EXIT_STOPPED = 75
EXIT_INTERRUPTED = 130


class InputError(ValueError):
    """Bad input from the person at the keyboard: a file, an option, a folder.

    The message is one line that says what arrived, what was expected and where (file, row,
    column). The command line prints it and exits with EXIT_BAD_INPUT; library code may catch it
    as the `ValueError` it is.
    """


class StoppedError(KeyboardInterrupt):
    """Work ended because someone asked for it, by a key or a signal; not a failure."""

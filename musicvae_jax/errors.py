"""The error that means: what arrived cannot be used, and here is what would be."""


class InputError(ValueError):
    """Bad input from the person at the keyboard: a file, an option, a folder.

    The message is one line that says what arrived, what was expected and where (file, row,
    column). The command line prints it and exits with code 2; library code may catch it as the
    `ValueError` it is.
    """

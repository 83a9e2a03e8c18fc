"""What separates the cells of a text table."""

_OTHERS = (";", "\t")


def find_delimiter(line: str, usual: str = ",") -> str:
    r"""The delimiter of a table, by its first line: the usual one, else a semicolon or a tab.

    Spreadsheets write semicolons where the comma is the mark in decimal numbers.

    Example:
        >>> find_delimiter("file_name;genre\n"), find_delimiter("file_name\n")
        (';', ',')
    """
    return next((one for one in (usual, *_OTHERS) if one in line), usual)

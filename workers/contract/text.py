"""Text of models, of people's functions and of other servers, made fit for every file and database that is supported."""


def storable_text(text: str) -> str:
    """The same with U+FFFD for each NUL and `?` for each half of a surrogate pair.

    A model can write NUL, and an escape in JSON half of a pair; Postgres takes neither in text nor in JSON, and no UTF-8
    file the second.
    """
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()

"""One reader a format, found by file name: `read(source) -> Items`."""

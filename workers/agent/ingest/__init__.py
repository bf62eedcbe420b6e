"""Files and Hub data sets as streams of rows, and rows as the canonical files of a version.

`bytes_in` opens a file whatever its compression and tells its format by content; `formats/<name>.py` yields its rows,
its faults and what else should be known, in order, holding one row at a time; `canonical` writes the version.
To read another format, add a file to `formats` with `read(source) -> Iterator[Item]` and teach `bytes_in.format_of`.
"""

"""Methods: one file each, found by name (`sft_instruct.py` is `sft-instruct`). See `composition` for what a file exports."""

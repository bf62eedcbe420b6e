"""What a model's directory says, read without loading anything: `directory` (which files may be there), `weights`
(safetensors headers and hashes), `description` (config and tokenizer as the library shows them)."""

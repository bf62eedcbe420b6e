"""Upload, validate, version, preview and measure data sets."""

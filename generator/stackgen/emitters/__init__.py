"""Plan to artefacts: one module per kind of output. No file access, no quoting."""

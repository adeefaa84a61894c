"""What we know: canonical series, sources that have them, signals that judge them. Data, no file access."""

"""From what the user wrote to what is to be judged: thresholds with defaults, sources chosen, signals on or off."""

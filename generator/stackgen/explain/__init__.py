"""What is judged on this stack and why, in words: one signal at length, or all of them in a table."""

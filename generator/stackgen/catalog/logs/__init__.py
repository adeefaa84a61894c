"""What is known about the workers' log lines: their fields, what is judged in them, and how each backend is asked."""

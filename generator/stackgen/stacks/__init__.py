"""Many stacks at once: each is read, judged and written as if it were alone; what all have in common, once."""

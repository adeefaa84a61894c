"""Looks at a running stack: which alerts cannot work, why, and what to do. Reads only."""

"""Who can tell each fact: one module a fact, found by registry."""

"""Unit tests of the generated rules, derived from the same signals: what is fed, and which alerts must fire when."""

"""Plan to Prometheus rules, as data: what is recorded, what is alerted on, and what the alert says."""

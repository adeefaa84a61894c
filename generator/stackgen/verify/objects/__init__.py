"""Objects of Kubernetes against each other, against the schemas of a cluster, and against the programs they end in."""

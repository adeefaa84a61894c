"""From planned artefacts to text: the only Jinja environment and the only place that quotes."""

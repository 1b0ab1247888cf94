"""How it looks: templates that escape every name, charts, and numbers in the reader's format."""

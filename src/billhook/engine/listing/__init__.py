"""List commands: compiled, read page by page, and mapped to rows; nothing is stored here."""

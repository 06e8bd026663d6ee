"""The pages of imports: choose a file, check its columns, preview, import, and undo."""

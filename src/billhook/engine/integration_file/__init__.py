"""The integration file, read with every problem and written without loss, and the presets."""

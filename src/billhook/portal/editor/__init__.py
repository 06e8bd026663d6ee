"""The form in which a member writes an integration, or fills in a preset."""

"""The pages of syncs: how each source gets on, the safeguard's question, the dry run, the nudge."""

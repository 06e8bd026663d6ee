"""A self-hosted invoice portal that shows the invoice your own system made."""

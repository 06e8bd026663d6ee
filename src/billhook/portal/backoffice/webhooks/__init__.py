"""The pages of webhooks: endpoints, their secrets, and the log of deliveries."""

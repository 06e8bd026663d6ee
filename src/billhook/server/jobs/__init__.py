"""The processes that work on jobs: those of `billhook serve`, and `billhook work`."""

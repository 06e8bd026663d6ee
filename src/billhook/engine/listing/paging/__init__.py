"""The way from page to page: requests, what Billhook adds to them, and what comes next."""

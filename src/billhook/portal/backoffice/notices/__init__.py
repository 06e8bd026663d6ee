"""The page Notices: which mail contacts get, its texts, and mail that wasn't sent."""

"""The page Jobs: what runs, waits and has failed."""

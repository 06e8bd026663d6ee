"""Pages of long lists: each begins after a row, so that the last costs no more than the first."""

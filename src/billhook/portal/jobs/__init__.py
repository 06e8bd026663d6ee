"""Work that outlives a request: rows that say what is to do, and the engine that moves them."""

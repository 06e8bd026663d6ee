"""Documents on their way to a browser: held for some minutes, and drawn as images of pages."""

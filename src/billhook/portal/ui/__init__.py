"""The parts that all pages share: the frame, icons, static files and template tags."""

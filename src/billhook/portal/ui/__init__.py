"""What all pages share: the frame around them, icons, static files and template tags."""

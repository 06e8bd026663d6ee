"""Users: the model, and who is signed in."""

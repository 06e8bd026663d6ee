"""Mail: the server, sending in the background, and the reasons for failures."""

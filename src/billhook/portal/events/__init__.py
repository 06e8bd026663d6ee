"""Events out: signed webhooks for the systems of the organisation."""

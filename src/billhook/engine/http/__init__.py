"""HTTP: the request, the transport that sends it, redirects, retries, the breaker and the wire."""

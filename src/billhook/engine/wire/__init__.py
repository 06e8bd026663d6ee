"""One exchange on the wire: connections, the request and its answer, and what watches over them."""

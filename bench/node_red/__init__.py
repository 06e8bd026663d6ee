"""Node-RED with a flow of the gateway's steps: an address, a request and a response."""

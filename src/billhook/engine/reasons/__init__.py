"""Reasons why a source refuses a request or a connection, with a message for each."""

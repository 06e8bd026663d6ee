"""The integration file in its parts: tables read with care, and written without loss."""

"""The integration file: tables read with care and written without loss, and the presets."""

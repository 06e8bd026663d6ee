"""Field types of our own: ids, URL converters, model fields and names."""

"""Types for fields: ids, URL converters, model fields, names, and the problem of a field."""

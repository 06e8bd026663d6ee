"""Storage of files for all nodes: a folder, the database, or S3-compatible storage."""

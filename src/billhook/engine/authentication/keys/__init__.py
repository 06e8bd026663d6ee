"""Private keys and certificates out of secrets: PEM or PKCS#12, with or without a passphrase."""

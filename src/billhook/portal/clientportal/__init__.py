"""The site of a customer's contacts: the list of invoices, one invoice, and its document."""

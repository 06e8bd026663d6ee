"""The site of an organisation's members: integrations, invoices, customers, runs and settings."""

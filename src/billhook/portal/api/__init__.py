"""The API under /api/v1, for programs: customers, contacts, invoices, integrations and the rest."""

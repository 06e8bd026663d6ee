"""VIEW: finds the document of an invoice, keeps copies for a while, and draws its pages."""

"""Pay: the page of the billing system, or of its payment provider, where an invoice is paid."""

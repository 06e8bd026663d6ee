"""Values of cells: dates, amounts and statuses as programs of many countries write them."""

"""Values of a row: amounts of money, dates, times and durations."""

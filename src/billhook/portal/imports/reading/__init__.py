"""Tables in files that people choose: text files and spreadsheets."""

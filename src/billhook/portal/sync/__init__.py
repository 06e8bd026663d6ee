"""The sync: keeps the portal's invoices, customers and contacts as the operator's system has them.

:mod:`work` is the story of a run: it reads the lists that are due page by page, and writes each
page at once; then it settles what had to wait for the end. :mod:`rows` says what the rows of
a page change, :mod:`settling` what only the whole list shows.
"""

"""The part of the editor's form that only list commands have: rows, fields, pages and changes."""

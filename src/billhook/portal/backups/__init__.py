"""The record of the last backup, so that an overdue one is noticed."""

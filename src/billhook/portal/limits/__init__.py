"""Limits: rates, and the counters behind them."""

"""The demo: a made-up company's portal and its billing system, both running, with a first VIEW."""

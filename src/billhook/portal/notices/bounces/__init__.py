"""Bounces: mail with notices that the mail server took, and that came back later."""

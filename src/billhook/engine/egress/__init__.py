"""The egress guard: may we talk to this address?"""

"""Stand-ins at our own ports: small, honest, without networks, files or SQL.

The use cases above them are the real ones: a test over fakes fails when a use case does.
"""

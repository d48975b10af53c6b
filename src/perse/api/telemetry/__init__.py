"""What is known and told of requests: log lines, metrics, the exchange itself."""

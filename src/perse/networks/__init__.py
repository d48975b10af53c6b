"""Networks: opened once, asked by many. One network a file."""

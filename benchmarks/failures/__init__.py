"""What breaks, broken on purpose under load: servers, their database, the network between."""

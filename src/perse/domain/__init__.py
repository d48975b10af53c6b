"""What a face, a voice, a template and a decision are. Standard library and numpy only."""

"""What a jam leaves on disk: its audio, its events and a picture of both."""

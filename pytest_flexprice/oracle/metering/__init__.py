"""What meters make of events."""

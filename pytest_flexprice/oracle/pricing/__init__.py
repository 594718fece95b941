"""What a quantity costs."""

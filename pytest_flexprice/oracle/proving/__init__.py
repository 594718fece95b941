"""The price proof: usage that reaches everything a price list says, and what its previews must bill (checklist 5.3)."""

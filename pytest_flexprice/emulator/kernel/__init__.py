"""What every part of the embedded Flexprice stands on: routing, binding, lists, tables, access, the world and its clock."""

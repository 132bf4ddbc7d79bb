"""Sample incidents: raw histories made from real facts, that take the same path as real history."""

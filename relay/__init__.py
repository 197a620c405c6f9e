"""A durable webhook receiver and callback relay."""

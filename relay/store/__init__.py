"""Where events and deliveries live."""

"""What is shown of figures."""

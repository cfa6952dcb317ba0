"""What system tests are made of: processes, real servers and clients, and relayd between them."""

"""What is measured of a rig."""

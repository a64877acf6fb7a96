"""A container that does what its words say."""

"""One module per group of resource types; :data:`localcloud.deploy.registry.CREATORS` holds what they register."""

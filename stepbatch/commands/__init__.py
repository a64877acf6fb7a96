"""The commands as Typer sees them. Their bodies import what they need: ``--help`` waits for nothing."""

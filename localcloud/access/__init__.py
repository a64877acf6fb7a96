"""Who may do what: requests as IAM sees them, policies, decisions, and the record of what was decided."""

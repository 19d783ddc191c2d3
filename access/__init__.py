"""Who may do what where: roles, access rules, tokens and the audit log."""

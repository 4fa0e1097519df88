"""Our Django toolkit: the action, access, subjects, locks, the outbox, numbering, notices, the API and page kits."""

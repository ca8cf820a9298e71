"""The hybrid onboarding auditor: what breaks when mailboxes move, and what each phone will do."""

__version__ = "0.1.0"

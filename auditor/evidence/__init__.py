"""Evidence: typed tables, the ledger, the bundle that carries them and the database they fill."""

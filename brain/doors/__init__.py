"""The ways in. A door parses, makes one call on `Brain`, and renders what comes back; no door knows another."""

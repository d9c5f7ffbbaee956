"""The terminal: commands, screens, widgets and styles. No clinical logic lives here."""

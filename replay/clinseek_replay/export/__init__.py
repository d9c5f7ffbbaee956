"""Export: recordings in the formats of others, and as pages to hand on."""

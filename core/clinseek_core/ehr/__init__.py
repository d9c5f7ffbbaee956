"""The electronic health record: a patient's snapshot at the cutoff, and the sandbox its SQL runs in."""

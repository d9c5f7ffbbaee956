"""What the screens show, as plain values: pure functions of a trajectory, with no Textual in them."""

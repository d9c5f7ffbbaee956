"""Evidence: which of the run's observations name which item of its gold and its answer, and what follows."""

"""What a person sees in a terminal: progress of a run, tables, times; output that nobody reads ends no command."""

"""What a person reads: each view is a function from a value to lines, with no terminal and no `Brain` in it."""

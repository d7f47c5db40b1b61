"""`python -m brain`: the same as the command `brain`."""

from brain.doors.cli import main

if __name__ == "__main__":
    main()

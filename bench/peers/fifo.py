"""First in, first out: see queues.py."""

from queues import main

if __name__ == "__main__":
    main(newest_first=False)

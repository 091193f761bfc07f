"""What writing asks of the disk: its single operations, and what a process that was killed leaves behind."""

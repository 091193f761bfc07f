"""What must never happen: work lost, a file unreadable, an error unforeseen. A quick part in every run, a long one by
`pytest -m long`."""

"""Systems of one's own: an H as text, the names and numbers in it, and a `System` made of them."""
